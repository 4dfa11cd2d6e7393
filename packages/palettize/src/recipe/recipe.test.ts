import { readFile } from 'node:fs/promises';
import { isPleinairError } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { averageBits, layerStoredBits } from './average-bits.js';
import { candidatesOf, type TensorInfo } from './candidates.js';
import { editDistance, nearestNames } from '@pleinair/weights';
import { formatRecipeFile, parseRecipeFile, selectRecipe, splitRecipeAddress } from './recipe-file.js';
import { resolveRecipe } from './resolve.js';
import type { LayerBits } from '../bits.js';

const names = JSON.parse(
  await readFile(new URL('../../../testing/goldens/sdxl-base-names.json', import.meta.url), 'utf8'),
) as Record<string, Record<string, number[]>>;

function sdxl(part: string): TensorInfo[] {
  return Object.entries(names[part]!).map(([name, shape]) => ({ name, shape, dtype: 'F16' }));
}

function failure(operation: () => unknown): { code: string; message: string } {
  try {
    operation();
  } catch (error) {
    if (isPleinairError(error)) return error;
    throw error;
  }
  throw new Error('expected a failure');
}

describe('candidatesOf', () => {
  it('finds in SDXL base the 792 layers and 2,565.86 M weights of the published analysis', () => {
    const candidates = candidatesOf(sdxl('unet'));
    expect(candidates).toHaveLength(792);
    expect(candidates.reduce((sum, { weights }) => sum + weights, 0) / 1e6).toBeCloseTo(2565.86, 1);
    const all = candidatesOf(sdxl('unet'), { minWeights: 0 }).map(({ layer }) => layer);
    const left = all.filter((layer) => !candidates.some((one) => one.layer === layer));
    expect(left.sort()).toEqual(['conv_in', 'conv_out']);
  });

  it('takes the token embedding of an encoder, and neither positions nor norms nor biases', () => {
    const layers = candidatesOf(sdxl('text_encoder'), { minWeights: 0 }).map(({ layer }) => layer);
    expect(layers).toHaveLength(12 * 6 + 1);
    expect(layers).toContain('text_model.embeddings.token_embedding');
    expect(layers.filter((layer) => /norm|bias|position/.test(layer))).toEqual([]);
  });
});

describe('averageBits', () => {
  const candidates = candidatesOf(sdxl('unet'));
  const gigabytes = (bitsOf: (layer: string) => LayerBits | undefined, group = 0) =>
    candidates.reduce((sum, one) => sum + layerStoredBits(one, bitsOf(one.layer) ?? 16, group), 0) / 8e9;

  it('counts indices and palettes: 4 bits are 1.28 GB of SDXL base', () => {
    const bits = averageBits(candidates, () => 4);
    expect(bits).toBeGreaterThan(4);
    expect(bits).toBeLessThan(4.001);
    expect(gigabytes(() => 4)).toBeCloseTo(1.283, 3);
    expect(averageBits(candidates, () => undefined)).toBe(16);
    expect(averageBits([], () => 4)).toBe(0);
  });

  it('counts a palette for each group', () => {
    const [candidate] = candidatesOf([{ name: 'a.weight', shape: [64, 100], dtype: 'F16' }], { minWeights: 0 });
    expect(averageBits([candidate!], () => 4, 16)).toBe(4 + (4 * 16 * 16) / 6400);
  });
});

const published = {
  model_version: 'stabilityai/stable-diffusion-xl-base-1.0',
  baselines: { original: 82.2, linear_8bit: 66, 'recipe_4.50_bit_mixedpalette': 75.8 },
  recipes: {
    'recipe_4.50_bit_mixedpalette': { 'mid_block.attentions.0.proj_in': 4, 'time_embedding.linear_1.weight': 16 },
    'recipe_2.71_bit_mixedpalette': { 'mid_block.attentions.0.proj_in': 2 },
  },
  single_layer: { '1': { metadata: { nbits: 1 }, conv_in: [50.1, 49] } },
  cumulative: { '1': {} },
};

describe('parseRecipeFile', () => {
  it('keeps a published file as it is', () => {
    const file = parseRecipeFile('r.json', published);
    expect(file).toEqual(published);
    expect(parseRecipeFile('r.json', JSON.parse(formatRecipeFile(file)))).toEqual(file);
  });

  it('takes recipes without measurements', () => {
    expect(parseRecipeFile('r.json', { recipes: { a: { x: 8 } } })).toMatchObject({
      recipes: { a: { x: 8 } },
      baselines: {},
    });
  });

  it.each<[string, string, unknown]>([
    ['recipe/invalid', 'no object', 3],
    ['recipe/invalid', 'no recipes', {}],
    ['recipe/invalid', 'a list of recipes', { recipes: [] }],
    ['recipe/invalid', 'a recipe that is a number', { recipes: { a: 4 } }],
    ['recipe/invalid', 'a baseline that is a text', { recipes: {}, baselines: { original: '82' } }],
    ['recipe/invalid', 'a model version that is a number', { recipes: {}, model_version: 1 }],
    ['recipe/invalid', 'measurements that are a list', { recipes: {}, cumulative: { '4': [] } }],
    ['recipe/invalid', 'an analysis without runs', { recipes: {}, analysis: { method: 'published', evaluations: 3 } }],
    ['recipe/unsupported-bits', '5 bits', { recipes: { a: { x: 5 } } }],
    ['recipe/unsupported-bits', 'bits as a text', { recipes: { a: { x: '4' } } }],
  ])('refuses with %s %s', (code, _, json) => {
    const error = failure(() => parseRecipeFile('r.json', json));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(/^r\.json.*: expected .*, got .*\. \w.*\.$/);
  });
});

describe('selectRecipe', () => {
  const file = parseRecipeFile('r.json', published);

  it('finds by name, or the only one', () => {
    expect(selectRecipe('r.json', file, 'recipe_2.71_bit_mixedpalette').recipe).toEqual({
      'mid_block.attentions.0.proj_in': 2,
    });
    const only = { ...file, recipes: { it: { x: 4 } } } as const;
    expect(selectRecipe('r.json', only)).toEqual({ name: 'it', recipe: { x: 4 } });
  });

  it('lists the names otherwise', () => {
    const unknown = failure(() => selectRecipe('r.json', file, 'toString'));
    expect(unknown).toMatchObject({ code: 'recipe/unknown-name' });
    expect(unknown.message).toContain('recipe_4.50_bit_mixedpalette, recipe_2.71_bit_mixedpalette');
    expect(failure(() => selectRecipe('r.json', file)).code).toBe('recipe/ambiguous');
    expect(failure(() => selectRecipe('r.json', { ...file, recipes: {} })).code).toBe('recipe/ambiguous');
  });

  it('splits FILE#name', () => {
    expect(splitRecipeAddress('a/r.json')).toEqual({ path: 'a/r.json' });
    expect(splitRecipeAddress('a#b/r.json#x')).toEqual({ path: 'a#b/r.json', name: 'x' });
  });
});

describe('resolveRecipe', () => {
  const tensors = sdxl('unet');

  it('takes published names, with and without .weight, and small layers too', () => {
    const recipe = {
      'down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q': 4,
      'mid_block.resnets.0.conv1.weight': 6,
      conv_out: 16,
    } as const;
    const found = resolveRecipe('r', recipe, tensors).map(({ candidate, bits }) => [candidate.tensor, bits]);
    expect(Object.fromEntries(found)).toEqual({
      'down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q.weight': 4,
      'mid_block.resnets.0.conv1.weight': 6,
      'conv_out.weight': 16,
    });
  });

  it('lists the nearest names of unknown layers', () => {
    const { code, message } = failure(() =>
      resolveRecipe('r.json#a', { 'mid_block.resnet.0.conv1': 4, conv_inn: 4 }, tensors),
    );
    expect(code).toBe('recipe/unknown-layer');
    expect(message).toMatch(/mid_block\.resnet\.0\.conv1 \(nearest: mid_block\.resnets\.0\.conv1, /);
    expect(message).toMatch(/conv_inn \(nearest: conv_in, /);
    const many = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`nothing.${i}`, 4 as const]));
    expect(failure(() => resolveRecipe('r', many, tensors)).message).toContain('and 5 more');
  });

  it('refuses what is there but no layer, two widths for one, and widths there are not', () => {
    expect(failure(() => resolveRecipe('r', { 'conv_norm_out.weight': 4 }, tensors)).code).toBe('recipe/unknown-layer');
    expect(failure(() => resolveRecipe('r', { conv_in: 4, 'conv_in.weight': 6 }, tensors)).code).toBe('recipe/invalid');
    expect(failure(() => resolveRecipe('r', { conv_in: 7 as never }, tensors)).code).toBe('recipe/unsupported-bits');
  });
});

describe('editDistance', () => {
  it.each([
    ['', '', 0],
    ['abc', '', 3],
    ['kitten', 'sitting', 3],
    ['to_q', 'to_k', 1],
    ['ab', 'ba', 2],
  ])('of %j and %j is %i', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
    expect(editDistance(b, a)).toBe(distance);
  });

  it('orders names', () => {
    expect(nearestNames('to_v', ['proj_in', 'to_out', 'to_k'], 2)).toEqual(['to_k', 'to_out']);
  });
});
