// The import rules of CONTRIBUTING.md, over every package. Prints each breach with its file and line.
import { join } from 'node:path';
import { readPackages } from './checks/imports.mjs';
import { checkRanks } from './checks/ranks.mjs';
import { root } from './setup/workspace.mjs';

const breaches = checkRanks([...readPackages(join(root, 'packages')), ...readPackages(join(root, 'apps'))]);
for (const breach of breaches) console.error(breach);
if (breaches.length > 0) {
  console.error(`ranks: ${breaches.length} import${breaches.length === 1 ? ' breaks' : 's break'} the rules.`);
  process.exitCode = 1;
}
