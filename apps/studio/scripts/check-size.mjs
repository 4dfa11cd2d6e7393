// Says what the build weighs, and fails where the first load without models is too much.
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const mostBytes = 400_000;
const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const code = new Set(['.html', '.js', '.css', '.svg', '.webmanifest']);
/** Fetched when they are first needed: by models of one's own, under the bonnet, and by browsers once the page is there. */
const later = [
  /^bonnet-page-/,
  /^compare-weights-/,
  /^models-page-/,
  /^vocabulary-/,
  /^(models|download|web)-worker-/,
  /^service-worker\.js$/,
];

const files = readdirSync(dist, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && code.has(extname(entry.name)))
  .map(({ parentPath, name }) => ({
    name,
    gzipped: gzipSync(readFileSync(join(parentPath, name)), { level: 9 }).length,
    first: !later.some((pattern) => pattern.test(name)),
  }))
  .sort((a, b) => b.gzipped - a.gzipped);
const sum = (/** @type {boolean} */ first) =>
  files.filter((file) => file.first === first).reduce((bytes, { gzipped }) => bytes + gzipped, 0);
const kB = (/** @type {number} */ bytes) => `${(bytes / 1000).toFixed(1)} kB`;
for (const { name, gzipped, first } of files)
  console.log(`${kB(gzipped).padStart(9)}  ${name}${first ? '' : ' (later)'}`);
console.log(
  `Studio's first load without models: ${kB(sum(true))} gzipped of at most ${kB(mostBytes)}; later ${kB(sum(false))}.`,
);
if (sum(true) > mostBytes) {
  console.error('check-size: expected less, got more. Load something later, or with a smaller library.');
  process.exitCode = 1;
}
