// Writes packages/demo-model/recipes anew from the analyses that `npm run bench -- palettize` made and from its record: recipes
// and what they reach, without measurements of single layers, which are most of an analysis.
import { mkdir, readFile, writeFile } from 'node:fs/promises';

const root = new URL('../', import.meta.url);
const out = new URL('packages/demo-model/recipes/', root);
/** @param {string} path */
const read = async (path) => JSON.parse(await readFile(new URL(path, root), 'utf8'));
/** @param {string} name @param {unknown} value */
const write = (name, value) => writeFile(new URL(name, out), `${JSON.stringify(value)}\n`);

await mkdir(out, { recursive: true });
for (const method of ['published', 'fast']) {
  const { single_layer: _, cumulative: __, ...file } = await read(`.cache/palettize/${method}.json`);
  await write(`${method}.json`, file);
}
const { model, original, methods, linear8, fixed, prompts } = await read('bench/results/palettize-demo.json');
await write('evaluation.json', { model, original, methods, linear8, fixed, prompts });
