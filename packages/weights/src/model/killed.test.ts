import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checkpointNames } from '../../test/checkpoint-names.js';
import { bundleChild, runChild, shares } from '../../test/child-script.js';
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
  const file = join(folder, 'tiny.safetensors');
  await writeFile(file, (await singleFileBlob(tiny, names, 'F32')).stream());
  const script = await bundleChild('convert-child.ts', folder);
  const models = join(folder, 'models');
  await mkdir(models);
  const out = join(models, 'model');
  const run = (killAt?: number) =>
    runChild(script, [file, tinyFolder, out], (child, told) => {
      if (killAt === undefined || told === '') return;
      const share = Number(told.trimEnd().split('\n').at(-1));
      // Beyond 1 it is killed while the folder is put in its place.
      if (share >= Math.min(killAt, 1)) setTimeout(() => child.kill('SIGKILL'), Math.max(0, killAt - 1) * 100);
    });

  // What a run that nothing disturbs writes, and what was there before.
  await run();
  const fresh = await contentsOf(out);
  const old = join(folder, 'old');
  await writeModel({ source: tiny, sink: await folderSink(old) });
  const before = await contentsOf(old);
  await rm(out, { recursive: true });
  await cp(old, out, { recursive: true });
  const share = shares(7);
  let killed = 0;
  for (let i = 0; i < kills; i++) {
    const { signal, err } = await run(share() * 1.15);
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
