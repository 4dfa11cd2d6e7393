// Says what the build weighs, and fails where the first load without models is too much.
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const mostBytes = 400_000;
const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const code = new Set(['.html', '.js', '.css', '.svg', '.webmanifest']);

const files = new Map(
  readdirSync(dist, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && code.has(extname(entry.name)))
    .map(({ parentPath, name }) => [name, readFileSync(join(parentPath, name))]),
);

/**
 * What the page fetches by itself: what its head names, the engine's worker, and what these import at once. Other pages, and
 * what is imported where it is needed, come later.
 */
const first = new Set(
  [...files.keys()].filter((name) => /^(index\.html|icon\.svg|.*\.webmanifest|worker-.*\.js)$/.test(name)),
);
for (const name of first) {
  const text = files.get(name)?.toString() ?? '';
  const named = name.endsWith('.html')
    ? text.matchAll(/(?:src|href)="\.\/(?:assets\/)?([^"]+)"/g)
    : text.matchAll(/(?:^|[;}])(?:import|export)(?:[\w${},*\s]+from)?\s*["']\.\/([^"']+)["']/g);
  for (const [, other] of named) if (other !== undefined && files.has(other)) first.add(other);
}

const weighed = [...files]
  .map(([name, bytes]) => ({ name, gzipped: gzipSync(bytes, { level: 9 }).length, first: first.has(name) }))
  .sort((a, b) => b.gzipped - a.gzipped);
const sum = (/** @type {boolean} */ isFirst) =>
  weighed.filter((file) => file.first === isFirst).reduce((bytes, { gzipped }) => bytes + gzipped, 0);
const kB = (/** @type {number} */ bytes) => `${(bytes / 1000).toFixed(1)} kB`;
for (const { name, gzipped, first: isFirst } of weighed) {
  console.log(`${kB(gzipped).padStart(9)}  ${name}${isFirst ? '' : ' (later)'}`);
}
console.log(
  `Studio's first load without models: ${kB(sum(true))} gzipped of at most ${kB(mostBytes)}; later ${kB(sum(false))}.`,
);
if (sum(true) > mostBytes) {
  console.error('check-size: expected less, got more. Load something later, or with a smaller library.');
  process.exitCode = 1;
}
