// Whether package-lock.json serves every system, not only the one it was written on.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { lockGaps } from './checks/lock.mjs';
import { root } from './setup/workspace.mjs';

const gaps = lockGaps(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')));
for (const gap of gaps) console.error(gap);
if (gaps.length > 0) {
  console.error('Choose a version whose every binary the registry has, delete package-lock.json, and write it anew:');
  console.error('  npm install --package-lock-only    (with node_modules moved away)');
  process.exitCode = 1;
}
