import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CancelledError } from '@pleinair/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blobSource } from './blob-source.js';
import { folderSource } from './folder-source.js';
import { createSource, type ModelSource } from './source.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pleinair-weights-'));
  await mkdir(join(folder, 'unet'));
  await writeFile(join(folder, 'unet', 'config.json'), '{"a": [1, "é"]}');
  await writeFile(
    join(folder, 'bytes'),
    Uint8Array.from({ length: 100 }, (_, i) => i),
  );
  await symlink('bytes', join(folder, 'linked'));
});
afterAll(() => rm(folder, { recursive: true }));

const sources: [string, () => ModelSource][] = [
  ['folderSource', () => folderSource(folder)],
  [
    'blobSource',
    () =>
      blobSource(
        new Map([
          ['unet/config.json', new Blob(['{"a": [1, "é"]}'])],
          ['bytes', new Blob([Uint8Array.from({ length: 100 }, (_, i) => i)])],
        ]),
      ),
  ],
];

describe.each(sources)('%s', (_name, make) => {
  it('tells sizes and what is there', async () => {
    const source = make();
    expect(await source.size('bytes')).toBe(100);
    expect(await source.exists('bytes')).toBe(true);
    for (const absent of ['unet', 'no', 'bytes/x', 'unet/no']) expect(await source.exists(absent)).toBe(false);
    await expect(source.size('no')).rejects.toMatchObject({ code: 'weights/missing-file' });
    await expect(source.readRange('no', 0, 1)).rejects.toMatchObject({ code: 'weights/missing-file' });
    await expect(source.readText('no')).rejects.toThrow(source.describe());
  });

  it('reads ranges, texts and JSON', async () => {
    const source = make();
    expect([...(await source.readRange('bytes', 10, 14))]).toEqual([10, 11, 12, 13]);
    const into = new Uint8Array(8);
    expect([...(await source.readRange('bytes', 98, 100, { into }))]).toEqual([98, 99]);
    expect([...into]).toEqual([98, 99, 0, 0, 0, 0, 0, 0]);
    expect(await source.readRange('bytes', 3, 3)).toHaveLength(0);
    expect(await source.readJson('unet/config.json')).toEqual({ a: [1, 'é'] });
    await expect(source.readJson('bytes')).rejects.toMatchObject({ code: 'weights/not-json' });
  });

  it('refuses ranges that are not there or not a range', async () => {
    const source = make();
    await expect(source.readRange('bytes', 95, 105)).rejects.toMatchObject({ code: 'weights/truncated' });
    await expect(source.readRange('bytes', 200, 205)).rejects.toMatchObject({ code: 'weights/truncated' });
    await expect(source.readRange('bytes', -4, 4)).rejects.toMatchObject({ code: 'weights/read' });
    await expect(source.readRange('bytes', 0, 4, { into: new Uint8Array(2) })).rejects.toMatchObject({
      code: 'weights/read',
    });
  });

  it.each(['', '/etc/passwd', '../x', 'a/../../x', './a', 'a//b', 'a\\b', 'C:/x', 'file:x', 'a\0b'])(
    'refuses the path %j',
    async (path) => {
      await expect(make().exists(path)).rejects.toMatchObject({ code: 'weights/unsafe-path' });
      await expect(make().readText(path)).rejects.toMatchObject({ code: 'weights/unsafe-path' });
    },
  );

  it('heeds a cancel', async () => {
    const signal = AbortSignal.abort();
    await expect(make().readRange('bytes', 0, 4, { signal })).rejects.toBeInstanceOf(CancelledError);
    await expect(make().readJson('unet/config.json', { signal })).rejects.toBeInstanceOf(CancelledError);
  });
});

it('folderSource follows links, as caches are made of them', async () => {
  expect(await folderSource(folder).size('linked')).toBe(100);
});

it('a failing backend is a typed error with its cause', async () => {
  const cause = new Error('the disk is on fire');
  const source = createSource({
    describe: () => 'the disk',
    size: () => Promise.reject(cause),
    readInto: () => Promise.reject(cause),
  });
  await expect(source.exists('a')).rejects.toMatchObject({
    code: 'weights/read',
    message: 'a: expected to read it from the disk, got: the disk is on fire. Check that it is readable.',
    cause,
  });
});
