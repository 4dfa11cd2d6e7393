/**
 * Bundles bench/gpu/main.ts and all kernels' GPU tests into one file, for a machine that has Node and the npm package
 * `webgpu` and nothing else.
 *
 *     node scripts/bundle-gpu.mjs [FILE]     FILE: .cache/gpu/pleinair-gpu.mjs
 */
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const outfile = resolve(process.argv[2] ?? join(root, '.cache', 'gpu', 'pleinair-gpu.mjs'));

/** Tests that are a GPU's to answer: they read no files and start no processes. */
const folders = ['packages/kernels/src', 'packages/diffusion/src'];

/** @param {string} folder @returns {string[]} */
function gpuTestsIn(folder) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.gpu.test.ts'))
    .map((name) => join(folder, name))
    .filter((path) => !/from 'node:|import\.meta/.test(readFileSync(path, 'utf8')))
    .sort();
}

const tests = folders.flatMap((folder) => gpuTestsIn(join(root, folder)));
const entries = tests.map((path) => {
  // Absolute, so that no folder of the machine it runs on is put before it.
  const name = `/${relative(root, path).split(sep).join('/')}`;
  return `${JSON.stringify(name)}: () => import(${JSON.stringify(path)})`;
});
const { version } = JSON.parse(readFileSync(join(root, 'packages', 'pleinair', 'package.json'), 'utf8'));

mkdirSync(dirname(outfile), { recursive: true });
await build({
  stdin: {
    contents:
      `globalThis.bundledTests = { ${entries.join(', ')} };\n` +
      `globalThis.bundledVersion = ${JSON.stringify(version)};\n` +
      `await import('./bench/gpu/main.ts');\n`,
    resolveDir: root,
    loader: 'js',
  },
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  conditions: ['pleinair-source'],
  external: ['webgpu'],
  alias: { vitest: join(root, 'bench', 'gpu', 'vitest.ts') },
  logLevel: 'warning',
  absWorkingDir: root,
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
});
console.log(
  `${relative(process.cwd(), outfile)}: ${tests.length} test files, ${(statSync(outfile).size / 1e6).toFixed(1)} MB`,
);
