import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checkpointNames } from '../../test/checkpoint-names.js';
import { singleFileBlob } from '../../test/single-file.js';
import { folderSource } from '../folder-source.js';
import { writeModel } from '../index.js';
import { folderSink } from '../node.js';

const tinyFolder = fileURLToPath(new URL('../../../testing/goldens/tiny-sdxl', import.meta.url));
const tiny = folderSource(tinyFolder);
const { 'tiny-sdxl': names } = await checkpointNames();
const kills = 20;

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'killed-convert-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** All files of a model, by path. */
async function contentsOf(path: string): Promise<Map<string, Buffer>> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    await Promise.all(files.map(async (file) => [file.slice(path.length + 1), await readFile(file)] as const)),
  );
}

/** True when two models have the same files with the same bytes. */
function isSame(one: ReadonlyMap<string, Buffer>, other: ReadonlyMap<string, Buffer>): boolean {
  return one.size === other.size && [...one].every(([path, bytes]) => other.get(path)?.equals(bytes) ?? false);
}

it(`a process killed ${kills} times at random leaves the model before it or the new one, whole, and the next starts clean`, async () => {
  const [file, script] = [join(folder, 'tiny.safetensors'), join(folder, 'child.mjs')];
  await writeFile(file, (await singleFileBlob(tiny, names, 'F32')).stream());
  await build({
    entryPoints: [join(import.meta.dirname, '../../test/convert-child.ts')],
    bundle: true,
    outfile: script,
    platform: 'node',
    format: 'esm',
    conditions: ['pleinair-source'],
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'silent',
  });
  const models = join(folder, 'models');
  await mkdir(models);
  const out = join(models, 'model');
  const run = (killAt?: number) =>
    new Promise<{ signal: string | null; out: string; err: string }>((resolve) => {
      const child = spawn(process.execPath, [script, file, tinyFolder, out]);
      let told = '';
      let err = '';
      child.stdout.on('data', (chunk: Buffer) => {
        told += chunk.toString();
        if (killAt === undefined) return;
        const share = Number(told.trimEnd().split('\n').at(-1));
        // Beyond 1 it is killed while the folder is put in its place.
        if (share >= Math.min(killAt, 1)) setTimeout(() => child.kill('SIGKILL'), Math.max(0, killAt - 1) * 100);
      });
      child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
      child.on('close', (_code, signal) => resolve({ signal, out: told, err }));
    });

  // What a run that nothing disturbs writes, and what was there before.
  await run();
  const fresh = await contentsOf(out);
  const old = join(folder, 'old');
  await writeModel({ source: tiny, sink: await folderSink(old) });
  const before = await contentsOf(old);
  await rm(out, { recursive: true });
  await cp(old, out, { recursive: true });
  let state = 7;
  let killed = 0;
  for (let i = 0; i < kills; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const { signal, err } = await run((state / 2 ** 32) * 1.15);
    expect(err).toBe('');
    if (signal === 'SIGKILL') killed++;
    // Whatever stands there under the model's name is whole. A folder set aside is put back by whoever comes next.
    if (!(await readdir(models)).includes('model')) await (await folderSink(out, { replace: true })).discard();
    const found = await contentsOf(out);
    expect([fresh, before].filter((whole) => isSame(found, whole))).toHaveLength(1);
  }
  expect(killed).toBeGreaterThan(kills / 2);
  const { out: told, err } = await run();
  expect(err).toBe('');
  expect(told).toMatch(/done\n$/);
  expect(await readdir(models)).toEqual(['model']);
}, 120_000);
