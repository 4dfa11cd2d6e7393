import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromHalfArray, isPleinairError } from '@pleinair/tensor';
import { openComponent, type TensorToWrite, palettizedEntries, readPalettized } from '@pleinair/weights';
import { folderSource, writeSafetensors } from '@pleinair/weights/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { halves } from '../../test/parts.js';

import type { Progress } from '../progress.js';
import { directSolver } from '../workers/solver.js';
import { applyRecipe, type ApplyOptions } from './apply-recipe.js';
import { readRecipe, readRecipeFile, writeRecipeFile } from './recipe-io.js';

const unet = [
  halves('conv_in.weight', [32, 4, 3, 3], 1),
  halves('mid.attn.to_q.weight', [64, 64], 2),
  halves('mid.attn.to_k.weight', [64, 40], 3),
  halves('norm.weight', [64], 4),
];
const encoder = [halves('embeddings.token_embedding.weight', [100, 32], 5), halves('final.bias', [32], 6)];

let folder = '';
let model = '';
let out = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'palettize-'));
  model = join(folder, 'model');
  out = join(folder, 'out');
  const write = async (path: string, tensors: readonly TensorToWrite[]) => {
    await mkdir(join(model, path, '..'), { recursive: true });
    await writeSafetensors(join(model, path), tensors);
  };
  await write('unet/diffusion_pytorch_model.fp16.safetensors', unet);
  await write('unet/diffusion_pytorch_model.safetensors', unet);
  await write('text_encoder/model.safetensors', encoder);
  await write('vae/diffusion_pytorch_model-00001-of-00002.safetensors', [halves('a.weight', [4, 4], 7)]);
  await write('vae/diffusion_pytorch_model-00002-of-00002.safetensors', [halves('b.weight', [4, 4], 8)]);
  const map = {
    'a.weight': 'diffusion_pytorch_model-00001-of-00002.safetensors',
    'b.weight': 'diffusion_pytorch_model-00002-of-00002.safetensors',
  };
  await writeFile(
    join(model, 'vae/diffusion_pytorch_model.safetensors.index.json'),
    JSON.stringify({ weight_map: map }),
  );
  await writeFile(join(model, 'vae/diffusion_pytorch_model.bin'), 'pickle');
  await write('sd_xl_base_1.0.safetensors', unet);
  await writeFile(join(model, 'model_index.json'), '{"_class_name": "StableDiffusionXLPipeline"}');
  await writeFile(join(model, 'unet/config.json'), '{"sample_size": 8}');
  await mkdir(join(model, 'tokenizer'));
  await writeFile(join(folder, 'blob'), '{"!": 0}');
  await symlink(join(folder, 'blob'), join(model, 'tokenizer/vocab.json'));
  await mkdir(join(model, '.cache'));
  await writeFile(join(model, '.cache/lock'), '');
});

afterEach(() => rm(folder, { recursive: true, force: true }));

function apply(options: Partial<ApplyOptions> = {}) {
  return applyRecipe({
    model,
    out,
    parts: { unet: { bits: 4 } },
    minWeights: 1000,
    solver: directSolver(),
    ...options,
  });
}

async function filesIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .sort();
}

describe('applyRecipe', () => {
  it('writes a whole model: parts palettized, the others as they are loaded, configurations and tokenizers', async () => {
    const told: Progress[] = [];
    const report = await apply({
      parts: { unet: { bits: 4 }, text_encoder: { bits: 6, group: 16 } },
      onProgress: (progress) => told.push(progress),
    });
    expect(await filesIn(out)).toEqual([
      'model_index.json',
      'text_encoder/model.safetensors',
      'tokenizer/vocab.json',
      'unet/config.json',
      'unet/diffusion_pytorch_model.safetensors',
      'vae/diffusion_pytorch_model-00001-of-00002.safetensors',
      'vae/diffusion_pytorch_model-00002-of-00002.safetensors',
      'vae/diffusion_pytorch_model.safetensors.index.json',
    ]);
    expect(await readFile(join(out, 'tokenizer/vocab.json'), 'utf8')).toBe('{"!": 0}');
    for (const path of ['model_index.json', 'vae/diffusion_pytorch_model-00002-of-00002.safetensors']) {
      expect(Buffer.compare(await readFile(join(out, path)), await readFile(join(model, path)))).toBe(0);
    }
    expect(report['unet']).toMatchObject({ file: 'unet/diffusion_pytorch_model.safetensors', tensors: 3 });
    expect(Object.keys(report['unet']!.errors).sort()).toEqual(['conv_in', 'mid.attn.to_k', 'mid.attn.to_q']);
    const weights = 32 * 36 + 64 * 64 + 64 * 40;
    expect(report['unet']!.averageBits).toBe(4 + (3 * 16 * 16) / weights);
    // Bytes read: of what is palettized twice, of the rest once.
    const plain = 2 * (64 + 32);
    const paths = ['model_index.json', 'tokenizer/vocab.json', 'unet/config.json'];
    const vae = (await filesIn(join(model, 'vae')))
      .filter((path) => !path.endsWith('.bin'))
      .map((path) => `vae/${path}`);
    const copied = await Promise.all([...paths, ...vae].map(async (path) => (await stat(join(model, path))).size));
    const total = 2 * 2 * (weights + 3200) + plain + copied.reduce((sum, size) => sum + size, 0);
    expect(told.at(-1)).toMatchObject({ done: total, total });
    expect(told.every(({ done }, i) => i === 0 || done > told[i - 1]!.done)).toBe(true);

    const entries = palettizedEntries(await openComponent(folderSource(out), 'text_encoder'));
    const decoded = fromHalfArray(await readPalettized(entries.get('embeddings.token_embedding.weight')!));
    const error = fromHalfArray(encoder[0]!.data).reduce((sum, value, i) => sum + (value - decoded[i]!) ** 2, 0);
    expect(report['text_encoder']!.errors['embeddings.token_embedding']! / error).toBeCloseTo(1, 9);
  });

  it('follows a recipe of a file, and counts layers it leaves out or at 16 bits as 16', async () => {
    const path = join(folder, 'recipe.json');
    const recipes = { a: { 'mid.attn.to_q': 2, 'conv_in.weight': 16 }, b: { conv_in: 8 } } as const;
    await writeRecipeFile(path, { model_version: 'test', baselines: {}, recipes, single_layer: {}, cumulative: {} });
    expect((await readRecipeFile(path)).recipes).toEqual(recipes);
    const { name, recipe } = await readRecipe(`${path}#a`);
    const report = await apply({ parts: { unet: { recipe, name } } });
    const entries = palettizedEntries(await openComponent(folderSource(out), 'unet'));
    expect([...entries.values()].map((entry) => [entry.name, entry.bits])).toEqual([['mid.attn.to_q.weight', 2]]);
    const weights = 32 * 36 + 64 * 64 + 64 * 40;
    expect(report['unet']!.averageBits).toBeCloseTo((64 * 64 * 2 + 4 * 16 + (weights - 64 * 64) * 16) / weights, 12);
  });

  it('palettizes a folder of one part', async () => {
    await apply({ model: join(model, 'unet'), parts: { '': { bits: 1 } } });
    expect(await filesIn(out)).toEqual(['config.json', 'diffusion_pytorch_model.safetensors']);
  });

  const aborted = new AbortController();
  it.each<[string, string, () => Partial<ApplyOptions>]>([
    ['recipe/unknown-layer', 'unknown layers', () => ({ parts: { unet: { recipe: { 'mid.attn.to_v': 4 } } } })],
    ['recipe/unsupported-bits', 'other widths', () => ({ parts: { unet: { recipe: { conv_in: 5 as never } } } })],
    ['weights/missing-file', 'a part that is not there', () => ({ parts: { unet: { bits: 4 }, prior: { bits: 4 } } })],
    ['weights/no-room', 'a full disk', () => ({ system: { freeBytes: () => Promise.resolve(1000) } })],
    ['palettize/invalid-argument', 'groups of 2', () => ({ parts: { unet: { bits: 4, group: 2 } } })],
    ['weights/not-writable', 'a parent that is not there', () => ({ out: join(folder, 'no', 'out') })],
    ['weights/output-exists', 'an output that is there', () => ({ out: model })],
    ['cancelled', 'a cancel beforehand', () => ({ signal: AbortSignal.abort() })],
    [
      'cancelled',
      'a cancel midway',
      () => ({ signal: aborted.signal, onProgress: ({ done, total }) => done > total / 2 && aborted.abort() }),
    ],
  ])('leaves nothing behind after %s (%s)', async (code, _, options) => {
    const before = await filesIn(folder);
    await expect(apply(options())).rejects.toSatisfy((error) => isPleinairError(error) && error.code === code);
    expect(await filesIn(folder)).toEqual(before);
    expect((await readdir(folder)).sort()).toEqual(['blob', 'model']);
  });

  it('takes an empty folder, and replaces a model where it may, when all is written', async () => {
    await mkdir(out);
    await apply({ parts: { unet: { bits: 8 } } });
    const eight = await readFile(join(out, 'unet/diffusion_pytorch_model.safetensors'));
    await writeFile(join(out, 'stale.txt'), '');

    await expect(apply()).rejects.toMatchObject({ code: 'weights/output-exists' });
    const stop = new AbortController();
    const late: Partial<ApplyOptions> = {
      replace: true,
      signal: stop.signal,
      onProgress: ({ done, total }) => done > total / 2 && stop.abort(),
    };
    await expect(apply(late)).rejects.toMatchObject({ code: 'cancelled' });
    expect(Buffer.compare(await readFile(join(out, 'unet/diffusion_pytorch_model.safetensors')), eight)).toBe(0);
    expect((await readdir(folder)).sort()).toEqual(['blob', 'model', 'out']);

    await apply({ replace: true });
    const four = palettizedEntries(await openComponent(folderSource(out), 'unet'));
    expect([...four.values()].map(({ bits }) => bits)).toEqual([4, 4, 4]);
    expect(await filesIn(out)).not.toContain('stale.txt');
    expect((await readdir(folder)).sort()).toEqual(['blob', 'model', 'out']);
  });

  it.each<[string, () => string]>([
    ['the model itself', () => model],
    ['a folder around it', () => folder],
    ['a folder of other things', () => join(model, 'tokenizer')],
  ])('never replaces %s', async (_, place) => {
    const before = await filesIn(folder);
    await expect(apply({ out: place(), replace: true })).rejects.toMatchObject({ code: 'weights/output-exists' });
    expect(await filesIn(folder)).toEqual(before);
  });

  it('refuses what is palettized already', async () => {
    await apply();
    await expect(apply({ model: out, out: join(folder, 'again') })).rejects.toMatchObject({
      code: 'palettize/already-palettized',
    });
  });

  it('leaves nothing behind when weights are damaged', async () => {
    await writeSafetensors(join(model, 'text_encoder/model.safetensors'), [
      { name: 'w.weight', dtype: 'F16', shape: [64, 64], data: new Uint16Array(4096).fill(0x7c00) },
    ]);
    await expect(apply({ parts: { unet: { bits: 2 }, text_encoder: { bits: 2 } } })).rejects.toMatchObject({
      code: 'palettize/not-finite',
    });
    expect((await readdir(folder)).sort()).toEqual(['blob', 'model']);
  });
});

describe('readRecipe', () => {
  it('tells a file that is missing, no JSON or no recipe file', async () => {
    await expect(readRecipe(join(folder, 'none.json'))).rejects.toMatchObject({ code: 'weights/missing-file' });
    await expect(readRecipe(join(folder, 'model', 'vae', 'diffusion_pytorch_model.bin'))).rejects.toMatchObject({
      code: 'weights/not-json',
    });
    await expect(readRecipe(join(folder, 'blob'))).rejects.toMatchObject({ code: 'recipe/invalid' });
  });
});
