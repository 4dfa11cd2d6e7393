import { freshDevice, randomArray, testDevice, expectClose } from '@pleinair/testing';
import { Graph, plainRows, WeightScope, type Device, type WritableData } from '@pleinair/tensor';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { NamedPick } from '../../test/named-pick.js';
import { runOp, stored } from '../../test/run-op.js';
import { groupNorm, groupNormStats } from './group-norm.js';
import { layerNorm } from './layer-norm.js';
import { groupNormReference, layerNormReference } from './reference.js';

let device: Device;
/** The same adapter without shader-f16 and with bindings of a few kilobytes. */
let small: Device;
beforeAll(async () => {
  device = await testDevice();
  small = await freshDevice({ limits: { maxStorageBufferBindingSize: 4096 }, without: ['shaderF16'] });
});
afterAll(() => small.destroy());

type Float = 'f16' | 'f32';

interface GroupCase {
  readonly shape: readonly [images: number, height: number, width: number, channels: number];
  readonly second?: number;
  readonly groups: number;
  readonly dtype: Float;
  readonly silu?: boolean;
  readonly mean?: number;
  readonly scale?: number;
}

async function checkGroupNorm(on: Device, c: GroupCase): Promise<void> {
  const [images, height, width, channels] = c.shape;
  const second = c.second ?? 0;
  const all = channels + second;
  const rows = height * width;
  const { mean = 0, scale = 1 } = c;
  const values = (count: number, seed: number): Float32Array<ArrayBuffer> =>
    stored(
      randomArray(images * rows * count, seed, scale).map((v) => v + mean),
      c.dtype,
    );
  const x = values(channels, 1);
  const other = values(second, 2);
  const gamma = stored(randomArray(all, 3), c.dtype);
  const beta = stored(randomArray(all, 4), c.dtype);
  const g = new Graph('norm', { dtype: c.dtype });
  const scope = new WeightScope(g);
  g.segment('run');
  const y = groupNorm(g, g.input('x', c.shape), {
    gamma: scope.weight('gamma', [all], plainRows),
    beta: scope.weight('beta', [all], plainRows),
    groups: c.groups,
    eps: 1e-5,
    silu: c.silu,
    second: second ? g.input('second', [images, height, width, second]) : undefined,
    label: 'norm',
  });
  g.output('y', y);
  const inputs: Record<string, WritableData> = second ? { x, second: other } : { x };
  const { y: actual } = await runOp(g, on, { inputs, weights: { gamma, beta } }, ['y']);
  const joined = new Float32Array(images * rows * all);
  for (let r = 0; r < images * rows; r++) {
    joined.set(x.subarray(r * channels, (r + 1) * channels), r * all);
    joined.set(other.subarray(r * second, (r + 1) * second), r * all + channels);
  }
  const expected = groupNormReference({
    x: joined, images, rows, channels: all, groups: c.groups, eps: 1e-5, gamma, beta, silu: c.silu,
  }); // prettier-ignore
  // x·a + b cancels the mean: its rounding is that of mean/deviation.
  const termScale = Math.max(1, Math.abs(mean) / scale) * 2;
  expectClose(actual!, expected, { dtype: c.dtype, reductionLength: 16, termScale });
}

describe('groupNorm', () => {
  for (const dtype of ['f32', 'f16'] as const) {
    const cases: Record<string, GroupCase> = {
      'of one image': { shape: [1, 8, 8, 32], groups: 8, dtype },
      'with SiLU, odd sizes, batch 3, groups that share a vec4': { shape: [3, 7, 9, 30], groups: 6, dtype, silu: true },
      'with groups of one channel': { shape: [2, 5, 3, 7], groups: 7, dtype },
      'of a concatenation': { shape: [2, 6, 5, 8], second: 12, groups: 4, dtype, silu: true },
      'of a concatenation that shifts channels': { shape: [2, 6, 5, 6], second: 9, groups: 5, dtype },
      'of many rows': { shape: [1, 70, 61, 8], groups: 2, dtype },
      'of a single pixel': { shape: [2, 1, 1, 16], groups: 4, dtype },
    };
    for (const [name, c] of Object.entries(cases)) it(`${name}, ${dtype}`, () => checkGroupNorm(device, c));
    it(`in row bands within a small binding limit, without shader-f16, ${dtype}`, async () => {
      await checkGroupNorm(small, { shape: [2, 23, 17, 12], groups: 3, dtype, silu: true });
      await checkGroupNorm(small, { shape: [1, 23, 17, 12], second: 7, groups: 19, dtype });
    });
  }

  it('keeps its accuracy where the mean dwarfs the deviation', () =>
    checkGroupNorm(device, { shape: [2, 16, 16, 8], groups: 2, dtype: 'f32', mean: 10000, scale: 1 }));

  it('gives neither zeros nor NaN at the end of half floats', () =>
    checkGroupNorm(device, { shape: [1, 16, 16, 8], groups: 2, dtype: 'f16', mean: 40000, scale: 25000 }));

  it('accepts an empty batch', async () => {
    const g = new Graph('norm', { dtype: 'f32' });
    const scope = new WeightScope(g);
    g.segment('run');
    const [gamma, beta] = ['gamma', 'beta'].map((name) => scope.weight(name, [4], plainRows));
    g.output(
      'y',
      groupNorm(g, g.input('x', [0, 2, 2, 4]), { gamma: gamma!, beta: beta!, groups: 2, eps: 1e-5, label: 'norm' }),
    );
    const ones = new Float32Array(4).fill(1);
    const { y } = await runOp(g, device, { weights: { gamma: ones, beta: ones } }, ['y']);
    expect(y!.length).toBe(0);
  });

  it('takes over a dying input’s storage', async () => {
    const g = new Graph('norm', { dtype: 'f32' });
    const scope = new WeightScope(g);
    g.segment('run');
    const weights = { gamma: scope.weight('gamma', [8], plainRows), beta: scope.weight('beta', [8], plainRows) };
    const options = { ...weights, groups: 2, eps: 1e-5 };
    const first = groupNorm(g, g.input('x', [1, 5, 5, 8]), { ...options, label: 'first' });
    const second = groupNorm(g, first, { ...options, silu: true, label: 'second' });
    g.output('y', layerNorm(g, second, { ...weights, eps: 1e-5, label: 'third' }));
    const x = randomArray(200, 1);
    const gamma = randomArray(8, 2);
    const beta = randomArray(8, 3);
    const { y } = await runOp(g, device, { inputs: { x }, weights: { gamma, beta } }, ['y']);
    const sizes = { images: 1, rows: 25, channels: 8, groups: 2, eps: 1e-5, gamma, beta };
    const normed = groupNormReference({ x, ...sizes });
    const expected = layerNormReference(
      groupNormReference({ x: normed, ...sizes, silu: true }),
      25,
      8,
      gamma,
      beta,
      1e-5,
    );
    expectClose(y!, expected, { dtype: 'f32', reductionLength: 25, termScale: 4 });
  });
});

describe('groupNormStats', () => {
  it('leaves scale and shift per channel, each input’s channels padded on their own', async () => {
    const g = new Graph('stats', { dtype: 'f32' });
    const scope = new WeightScope(g);
    g.segment('run');
    const affine = groupNormStats(g, g.input('x', [2, 4, 4, 6]), {
      gamma: scope.weight('gamma', [9], plainRows),
      beta: scope.weight('beta', [9], plainRows),
      groups: 3,
      eps: 1e-5,
      second: g.input('second', [2, 4, 4, 3]),
      label: 'affine',
    });
    g.output('affine', affine);
    expect(affine.shape).toEqual([2, 2, 12]);
    const x = randomArray(2 * 16 * 6, 1);
    const second = randomArray(2 * 16 * 3, 2);
    const gamma = randomArray(9, 3);
    const beta = randomArray(9, 4);
    const { affine: actual } = await runOp(g, device, { inputs: { x, second }, weights: { gamma, beta } }, ['affine']);
    const joined = Float32Array.from({ length: 2 * 16 * 9 }, (_, i) => {
      const [row, c] = [Math.floor(i / 9), i % 9];
      return c < 6 ? x[row * 6 + c]! : second[row * 3 + c - 6]!;
    });
    const expected = groupNormReference({
      x: joined,
      images: 2,
      rows: 16,
      channels: 9,
      groups: 3,
      eps: 1e-5,
      gamma,
      beta,
    });
    const applied = joined.map((v, i) => {
      const [image, c] = [Math.floor(i / 144), i % 9];
      const slot = c < 6 ? c : 8 + c - 6;
      return v * actual![image * 24 + slot]! + actual![image * 24 + 12 + slot]!;
    });
    expectClose(applied, expected, { dtype: 'f32', reductionLength: 16 });
    for (const pad of [6, 7, 11, 18, 19, 23]) expect(actual![pad]).toBe(0);
  });
});

async function checkLayerNorm(
  ctx: TestContext,
  on: Device,
  rows: number,
  channels: number,
  dtype: Float,
  variant: string,
): Promise<void> {
  const mean = 3;
  const x = stored(randomArray(rows * channels, 1).map((v) => v + mean), dtype); // prettier-ignore
  const gamma = stored(randomArray(channels, 2), dtype);
  const beta = stored(randomArray(channels, 3), dtype);
  const g = new Graph('norm', { dtype });
  const scope = new WeightScope(g);
  g.segment('run');
  const options = {
    gamma: scope.weight('gamma', [channels], plainRows),
    beta: scope.weight('beta', [channels], plainRows),
    eps: 1e-5,
    label: 'norm',
  };
  g.output('y', layerNorm(g, g.input('x', [1, rows, channels]), options));
  const named = new NamedPick(variant);
  const { y } = await runOp(g, on, { inputs: { x }, weights: { gamma, beta } }, ['y'], { pick: named.pick });
  named.skipUnlessOffered(ctx);
  const expected = layerNormReference(x, rows, channels, gamma, beta, 1e-5);
  expectClose(y!, expected, { dtype, reductionLength: channels, termScale: 2 });
}

describe('layerNorm', () => {
  for (const variant of ['workgroup', 'subgroup']) {
    for (const dtype of ['f32', 'f16'] as const) {
      it(`over odd and even widths, ${variant}, ${dtype}`, async (ctx) => {
        for (const [rows, channels] of [
          [5, 64],
          [3, 37],
          [77, 8],
          [2, 1],
        ] as const) {
          // prettier-ignore
          await checkLayerNorm(ctx, device, rows, channels, dtype, variant);
        }
      });
      it(`in row bands, without shader-f16, ${variant}, ${dtype}`, (ctx) =>
        checkLayerNorm(ctx, small, 111, 37, dtype, variant));
    }
  }

  it('takes wide rows', (ctx) => checkLayerNorm(ctx, device, 3, 2048, 'f16', 'subgroup'));
});
