import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelPath } from '@pleinair/demo-model';
import { openComponent, palettizedEntries, type Component } from '@pleinair/weights';
import { folderSource } from '@pleinair/weights/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkpointNames } from '../../weights/test/checkpoint-names.js';
import { singleFileBlob } from '../../weights/test/single-file.js';
import { runCli } from './run-cli.js';

let folder = '';
let file = '';
const demo = folderSource(modelPath);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cli-convert-'));
  file = join(folder, 'demo.safetensors');
  const { 'demo-model': names } = await checkpointNames();
  await writeFile(file, (await singleFileBlob(demo, names, 'F16')).stream());
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

function shapesOf({ entries }: Component): Record<string, unknown> {
  return Object.fromEntries([...entries].map(([name, { shape, dtype }]) => [name, [dtype, ...shape]]));
}

describe('pleinair convert', () => {
  it('writes a single file as a folder, saying what it took it for', async () => {
    const out = join(folder, 'plain');
    const { code, err, out: text } = await runCli('convert', file, out, '--config', modelPath, '--json');
    expect(err).toMatch(/sdxl: conditioner\.embedders\.1\.model\./);
    expect(err).toMatch(/epsilon: what nearly all models of this family predict/);
    expect(code).toBe(0);
    expect(JSON.parse(text.trim().split('\n').at(-1)!)).toMatchObject({ out });
    for (const part of ['text_encoder', 'text_encoder_2', 'unet', 'vae']) {
      const [wanted, got] = [await openComponent(demo, part), await openComponent(folderSource(out), part)];
      expect(shapesOf(got), part).toEqual(shapesOf(wanted));
    }
    expect(await readFile(join(out, 'tokenizer/vocab.json'), 'utf8')).toBe(
      await readFile(join(modelPath, 'tokenizer/vocab.json'), 'utf8'),
    );
    const again = await runCli('convert', file, out, '--config', modelPath);
    expect([again.code, again.err]).toEqual([6, expect.stringMatching(/a model.*--force/s)]);
  });

  it('stores weights in another type, of folders too', async () => {
    const out = join(folder, 'bf16');
    expect((await runCli('convert', modelPath, out, '--dtype', 'bf16')).code).toBe(0);
    const { entries } = await openComponent(folderSource(out), 'unet');
    expect(new Set([...entries.values()].map(({ dtype }) => dtype))).toEqual(new Set(['BF16']));
    expect(await readdir(out)).toContain('pleinair.json');
  });

  it('palettizes on the way', async () => {
    const out = join(folder, 'packed');
    const { code, out: text } = await runCli(
      'convert',
      file,
      out,
      '--config',
      modelPath,
      '--palettize',
      'text_encoder=4',
    );
    expect(text).toMatch(/text_encoder: \d\.\d\d bits on average/);
    expect(code).toBe(0);
    const source = folderSource(out);
    expect(palettizedEntries(await openComponent(source, 'text_encoder')).size).toBeGreaterThan(10);
    expect(shapesOf(await openComponent(source, 'unet'))).toEqual(shapesOf(await openComponent(demo, 'unet')));
    expect((await readdir(join(out, 'text_encoder'))).sort()).toEqual(['config.json', 'model.safetensors']);
  });

  it.each<[string, number, RegExp, () => Promise<string[]>]>([
    ['a pickle', 5, /pickle.*never opened/s, async () => [await written('bad.ckpt', 'PK\u0003\u0004        pickle')]],
    ['a file that is not there', 5, /none\.safetensors/, () => Promise.resolve([join(folder, 'none.safetensors')])],
    ['a checkpoint cut short', 5, /bytes as its header says/, async () => [await cut()]],
    [
      'words for widths',
      2,
      /--palettize.*got "unet=4,foo"/,
      () => Promise.resolve([file, '--palettize', 'unet=4,foo']),
    ],
    [
      'a width that is none',
      2,
      /--palettize: .*got 5/,
      () => Promise.resolve([file, '--palettize', '5', '--config', modelPath]),
    ],
  ])('refuses %s, and leaves nothing behind', async (_, expected, message, args) => {
    const [from = '', ...flags] = await args();
    const before = await readdir(folder);
    const { code, err } = await runCli('convert', from, join(folder, 'never'), ...flags);
    expect(err).toMatch(message);
    expect(code).toBe(expected);
    expect((await readdir(folder)).sort()).toEqual(before.sort());
  });
});

async function written(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return join(folder, name);
}

async function cut(): Promise<string> {
  const bytes = await readFile(file);
  const path = join(folder, 'cut.safetensors');
  await writeFile(path, bytes.subarray(0, bytes.length - 1));
  return path;
}
