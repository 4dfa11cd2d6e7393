import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { OutputError, outputPlace, slug, writeNewFile } from './output-file.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pleinair-output-'));
});

describe('slug', () => {
  it.each([
    ['A snowy mountain, at night!', 'a-snowy-mountain-at-night'],
    ['  Café   au lait ', 'cafe-au-lait'],
    ['../../etc/passwd', 'etc-passwd'],
    ['夕焼けの海', '夕焼けの海'],
    ['🎨🎨', 'picture'],
    ['', 'picture'],
  ])('%j becomes %s', (prompt, expected) => {
    expect(slug(prompt)).toBe(expected.normalize('NFKD').replace(/\p{M}/gu, ''));
  });

  it('has at most 60 characters and never ends with a dash', () => {
    const long = slug('word '.repeat(40));
    expect(long.length).toBeLessThanOrEqual(60);
    expect(long).not.toMatch(/-$/);
  });
});

describe('outputPlace', () => {
  it('takes a name with the extension as a file, anything else as a folder', async () => {
    expect(await outputPlace(join(folder, 'a.png'), 1, '.png')).toEqual({ folder, file: join(folder, 'a.png') });
    expect(await outputPlace(join(folder, 'deep/er'), 1, '.png')).toEqual({
      folder: join(folder, 'deep/er'),
      file: undefined,
    });
  });

  it('refuses one file for several pictures, a wrong extension and a place that cannot be', async () => {
    await expect(outputPlace(join(folder, 'a.png'), 2, '.png')).rejects.toMatchObject({ code: 'output/one-file' });
    await expect(outputPlace(join(folder, 'a.jpg'), 1, '.png')).rejects.toMatchObject({ code: 'output/extension' });
    await writeFile(join(folder, 'taken'), '');
    const inside = outputPlace(join(folder, 'taken', 'under'), 1, '.png');
    await expect(inside).rejects.toBeInstanceOf(OutputError);
    await expect(inside).rejects.toMatchObject({ code: 'output/unwritable' });
  });
});

describe('writeNewFile', () => {
  it('never overwrites: taken names get a number', async () => {
    const wanted = join(folder, 'a.png');
    const paths = [];
    for (const value of [1, 2, 3]) paths.push(await writeNewFile(wanted, Uint8Array.of(value)));
    expect(paths).toEqual([wanted, join(folder, 'a-2.png'), join(folder, 'a-3.png')]);
    expect([...(await readFile(wanted))]).toEqual([1]);
    expect((await readdir(folder)).sort()).toEqual(['a-2.png', 'a-3.png', 'a.png']);
  });

  it('leaves nothing behind when it fails', async () => {
    await expect(writeNewFile(join(folder, 'gone', 'a.png'), Uint8Array.of(1))).rejects.toMatchObject({
      code: 'output/unwritable',
    });
    expect(await readdir(folder)).toEqual([]);
  });
});
