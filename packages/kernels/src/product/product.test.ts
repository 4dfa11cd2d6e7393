import { defaultProfile, Graph, planProgram, WeightScope, plainRows, type DeviceProfile } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { kernelsOf, tintErrors } from '../../test/tint.js';
import { conv2d, convWeight } from '../conv2d/conv2d.js';
import { geglu } from '../matmul/geglu.js';
import { linear, linearWeight } from '../matmul/linear.js';
import type { Activation } from '../shader/activation.js';
import { productVariants } from './choose.js';

const lavapipeLike: DeviceProfile = {
  ...defaultProfile,
  isSoftware: true,
  features: { ...defaultProfile.features, subgroups: true },
  subgroupMinSize: 8,
  subgroupMaxSize: 8,
};
const swiftshaderLike: DeviceProfile = {
  ...lavapipeLike,
  features: { ...lavapipeLike.features, shaderF16: false },
  subgroupMinSize: 4,
  subgroupMaxSize: 4,
};

/** A graph with every epilogue, input and dtype of the product ops. */
function everyProduct(dtype: 'f16' | 'f32', weightStorage: 'f16' | 'f32'): Graph {
  const g = new Graph('every', { dtype, weightStorage });
  g.segment('run');
  const scope = new WeightScope(g);
  const x = g.input('x', [2, 6, 6, 8]);
  const other = g.input('other', [2, 6, 6, 5]);
  const time = g.input('time', [2, 12]);
  const affine = g.input('affine', [2, 2, 16], 'f32');
  const bias = scope.weight('bias', [12], plainRows);
  const w = linearWeight(scope.in('linear'), 12, 8);
  let hidden = conv2d(g, x, convWeight(scope.in('a'), 12, [8], 3), { bias, perImage: time, label: 'a' });
  hidden = conv2d(g, hidden, convWeight(scope.in('b'), 12, [12], 3), { residual: hidden, label: 'b' });
  hidden = linear(g, x, w, { bias, residual: hidden, label: 'in-place' });
  for (const activation of ['none', 'gelu', 'gelu_tanh', 'quick_gelu', 'silu'] satisfies Activation[]) {
    linear(g, x, w, { bias, activation, preActivation: 'silu', label: activation });
  }
  linear(g, x, w, { outDtype: dtype === 'f16' ? 'f32' : 'f16', residual: hidden, label: 'other dtype' });
  geglu(g, x, linearWeight(scope.in('ff'), 24, 8), {
    bias: scope.in('ff').weight('bias', [24], plainRows),
    label: 'geglu',
  });
  const dual = convWeight(scope.in('dual'), 12, [8, 5], 3);
  conv2d(g, x, dual, { second: other, bias, perImage: time, residual: hidden, activation: 'silu', label: 'dual' });
  conv2d(g, x, dual, {
    second: other,
    bias,
    perImage: time,
    residual: hidden,
    norm: { affine, silu: true },
    label: 'normalised',
  });
  conv2d(g, x, convWeight(scope.in('point'), 12, [8, 5], 1), { second: other, label: 'point' });
  return g;
}

describe('product kernels as text', () => {
  const profiles = { gpu: defaultProfile, lavapipe: lavapipeLike, swiftshader: swiftshaderLike };
  for (const [name, profile] of Object.entries(profiles)) {
    for (const [dtype, storage] of [
      ['f32', 'f32'],
      ['f16', 'f16'],
      ['f16', 'f32'],
      ['f32', 'f16'],
    ] as const) {
      it(`compile on ${name}, activations ${dtype}, weights ${storage}, every supported variant`, async () => {
        const kernels = new Map<string, ReturnType<typeof kernelsOf>[number]>();
        for (const variant of productVariants) {
          const plan = planProgram(everyProduct(dtype, storage), profile, {
            pick: (_shape, variants) => variants.find((v) => v === variant.name),
          });
          for (const kernel of kernelsOf(plan.segments.flatMap((s) => s.nodes.flatMap((n) => n.dispatches)))) {
            kernels.set(kernel.key, kernel);
          }
        }
        expect(kernels.size).toBeGreaterThan(20);
        expect(await tintErrors(kernels.values())).toEqual([]);
        for (const kernel of kernels.values()) expect(kernel.bindings.length).toBeLessThanOrEqual(8);
      });
    }
  }

  it('have few distinct pipelines: sizes are uniforms', () => {
    const g = new Graph('sizes', { dtype: 'f16' });
    g.segment('run');
    const scope = new WeightScope(g);
    for (const [i, size] of [8, 16, 24].entries()) {
      const x = g.input(`x${i}`, [2, size, size, 32 * (i + 1)]);
      const down = conv2d(g, x, convWeight(scope.in(i), 64, [32 * (i + 1)], 3), { stride: 2, label: `down${i}` });
      conv2d(g, down, convWeight(scope.in(`${i}up`), 64, [64], 3), { upsample: 2, label: `up${i}` });
    }
    expect(planProgram(g, lavapipeLike).pipelines).toBe(1);
  });

  it('are chosen by adapter and size, unless the tuner has a better one', () => {
    const chosen = (profile: DeviceProfile, rows: number, n: number, pick?: string): string => {
      const g = new Graph('choice', { dtype: 'f16' });
      g.segment('run');
      linear(g, g.input('x', [rows, 64]), linearWeight(new WeightScope(g), n, 64), { label: 'y' });
      const plan = planProgram(g, profile, { pick: () => pick });
      return plan.kernelKeys[0]!.split('#')[0]!;
    };
    expect(chosen(defaultProfile, 2, 1280)).toBe('product/few4');
    expect(chosen(defaultProfile, 154, 320)).toBe('product/tiled32x32');
    expect(chosen(defaultProfile, 8192, 640)).toBe('product/tiled128x64');
    expect(chosen(lavapipeLike, 2, 1280)).toBe('product/columns8x32');
    expect(chosen(lavapipeLike, 8192, 640)).toBe('product/columns16x32');
    expect(chosen(swiftshaderLike, 2, 1280)).toBe('product/columns4x32');
    expect(chosen(swiftshaderLike, 8192, 640)).toBe('product/columns16x64');
    expect(chosen(lavapipeLike, 8192, 640, 'tiled64x64')).toBe('product/tiled64x64');
    const noSubgroups = { ...lavapipeLike, features: { ...lavapipeLike.features, subgroups: false } };
    expect(chosen(noSubgroups, 8192, 640)).toBe('product/tiled32x32');
    // A remembered pick that this adapter cannot run is passed over.
    expect(chosen(defaultProfile, 8192, 640, 'columns16x32')).toBe('product/tiled128x64');
  });
});
