// Scores painted pictures with the attribute checker: node score.mjs <folder written by generate.py>
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const entry = fileURLToPath(new URL('../../packages/demo-model/src/checker.ts', import.meta.url));
const built = await build({ entryPoints: [entry], bundle: true, format: 'esm', write: false });
const code = Buffer.from(built.outputFiles[0].text).toString('base64');
const { checkAttributes, matches } = await import(`data:text/javascript;base64,${code}`);

const folder = process.argv[2];
const rows = JSON.parse(await readFile(`${folder}/prompts.json`, 'utf8'));
const rgba = await readFile(`${folder}/pictures.rgba`);
const side = Math.sqrt(rgba.length / rows.length / 4);
const size = side * side * 4;
const misses = {};
let whole = 0;
let shuffled = 0;
const found = rows.map((_, i) => checkAttributes(rgba.subarray(i * size, (i + 1) * size), side, side));
for (const [i, { prompt, attributes }] of rows.entries()) {
  if (matches(attributes, found[i])) whole++;
  else if (process.argv[3] === '-v') console.log(i, prompt, JSON.stringify(found[i]));
  if (matches(attributes, found[(i + 1) % rows.length])) shuffled++;
  for (const [name, value] of Object.entries(attributes)) {
    misses[name] ??= [0, 0];
    misses[name][1]++;
    if (found[i][name] !== value) misses[name][0]++;
  }
}
console.log(
  `every asked attribute found in ${whole} of ${rows.length} (${((100 * whole) / rows.length).toFixed(1)} %)`,
);
console.log(`with prompts shuffled: ${shuffled}`);
for (const [name, [missed, asked]] of Object.entries(misses)) console.log(`  ${name}: ${missed} missed of ${asked}`);
