import { defaultProfile, Graph, planProgram, WeightScope, plainRows, type DeviceProfile } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { kernelsOf, tintErrors } from '../../test/tint.js';
import { conv2d, convWeight } from '../conv2d/conv2d.js';
import { geglu } from '../matmul/geglu.js';
import { linear, linearWeight } from '../matmul/linear.js';
import type { Activation } from '../shader/activation.js';
import { productSplits, productVariants } from './choose.js';
import { splitName } from './split.js';

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

/** As NVIDIA cards list theirs under Vulkan. */
const matrixLike: DeviceProfile = {
  ...defaultProfile,
  features: { ...defaultProfile.features, subgroups: true, subgroupMatrix: true },
  subgroupMatrixShapes: [
    { component: 'f16', result: 'f16', m: 16, n: 16, k: 16 },
    { component: 'f16', result: 'f32', m: 16, n: 8, k: 16 },
    { component: 'f16', result: 'f32', m: 16, n: 16, k: 16 },
  ],
  limits: { ...defaultProfile.limits, maxComputeWorkgroupStorageSize: 32768 },
};
/** As Dawn lists Apple's under Metal, which does not promise a size of subgroups either. */
const metalLike: DeviceProfile = {
  ...matrixLike,
  subgroupMinSize: 4,
  subgroupMaxSize: 64,
  subgroupMatrixShapes: [
    { component: 'f32', result: 'f32', m: 8, n: 8, k: 8 },
    { component: 'f16', result: 'f16', m: 8, n: 8, k: 8 },
  ],
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

/** Deep products of few rows with every input and epilogue that may be cut along K, and a tensor that makes room. */
function deepProducts(): Graph {
  const g = new Graph('deep', { dtype: 'f16' });
  g.segment('run');
  const scope = new WeightScope(g);
  makeRoom(g);
  const x = g.input('x', [2, 4, 4, 512]);
  const other = g.input('other', [2, 4, 4, 33]);
  const time = g.input('time', [2, 70]);
  const residual = g.input('residual', [2, 4, 4, 70]);
  const affine = g.input('affine', [2, 2, 548], 'f32');
  const bias = scope.weight('bias', [70], plainRows);
  linear(g, g.input('rows', [19, 2048]), linearWeight(scope.in('linear'), 70, 2048), { bias, activation: 'gelu', label: 'linear' }); // prettier-ignore
  const dual = convWeight(scope.in('dual'), 70, [512, 33], 3);
  const options = { second: other, bias, perImage: time, residual, activation: 'silu' } as const;
  conv2d(g, x, dual, { ...options, label: 'dual' });
  conv2d(g, x, dual, { ...options, norm: { affine, silu: true }, label: 'normalised' });
  conv2d(g, x, convWeight(scope.in('single'), 70, [512], 3), { residual, label: 'single' });
  return g;
}

/** A large tensor that lives for a moment, so that others may take scratch in its place. */
function makeRoom(g: Graph): void {
  const scope = new WeightScope(g, 'room');
  const tall = linear(g, g.input('tall', [2 ** 15, 4]), linearWeight(scope.in(0), 2048, 4), { label: 'tall' });
  linear(g, tall, linearWeight(scope.in(1), 4, 2048), { label: 'short' });
}

describe('product kernels as text', () => {
  const profiles = {
    gpu: defaultProfile,
    lavapipe: lavapipeLike,
    swiftshader: swiftshaderLike,
    'matrix units of halves': matrixLike,
    'matrix units of floats': metalLike,
  };
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

  it.each(Object.entries(profiles))('compile on %s cut along K, every supported way', async (_, profile) => {
    const seen = new Map<string, ReturnType<typeof kernelsOf>[number]>();
    for (const name of productSplits.map(splitName)) {
      const plan = planProgram(deepProducts(), profile, {
        pick: (_shape, variants) => variants.find((v) => v === name),
      });
      for (const kernel of kernelsOf(plan.segments.flatMap((s) => s.nodes.flatMap((n) => n.dispatches)))) {
        seen.set(kernel.key, kernel);
      }
    }
    const names = new Set([...seen.values()].map((kernel) => kernel.name));
    for (const { variant, slices } of productSplits) {
      const there = !variant.name.startsWith('matrix') || profile.features.subgroupMatrix;
      expect([splitName({ variant, slices }), names.has(`product/${splitName({ variant, slices })}`)]).toEqual([
        splitName({ variant, slices }),
        there,
      ]);
    }
    expect(names).toContain('product/add-slices');
    expect(await tintErrors(seen.values())).toEqual([]);
  });

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
    expect(chosen(lavapipeLike, 1024, 640)).toBe('product/columns16x32');
    expect(chosen(lavapipeLike, 8192, 640)).toBe('product/columns32x32');
    // Large, but of rows that would leave half of the last blocks empty.
    expect(chosen(lavapipeLike, 48, 2 ** 17)).toBe('product/columns16x32');
    expect(chosen(swiftshaderLike, 2, 1280)).toBe('product/columns4x32');
    expect(chosen(swiftshaderLike, 8192, 640)).toBe('product/columns16x64');
    expect(chosen(lavapipeLike, 8192, 640, 'tiled64x64')).toBe('product/tiled64x64');
    const noSubgroups = { ...lavapipeLike, features: { ...lavapipeLike.features, subgroups: false } };
    expect(chosen(noSubgroups, 8192, 640)).toBe('product/tiled32x32');
    // A remembered pick that this adapter cannot run is passed over.
    expect(chosen(defaultProfile, 8192, 640, 'columns16x32')).toBe('product/tiled128x64');
  });

  // Rows of a guided pair.
  const shapes = {
    'sdxl time_emb_proj': [2, 1280, 1280],
    'sdxl attn2.to_k, 640': [154, 2048, 640],
    'sdxl attn1.to_q, 640': [8192, 640, 640],
    'sdxl attn1.to_q, 1280': [2048, 1280, 1280],
    'sd15 attn1.to_q, 1280': [512, 1280, 1280],
    'sd15 mid_block ff.net.2': [128, 5120, 1280],
    'a short K': [154, 320, 320],
  } as const;
  it.each<[string, DeviceProfile, Record<keyof typeof shapes, string>]>([
    [
      'a GPU without matrix units',
      defaultProfile,
      {
        'sdxl time_emb_proj': 'few4',
        'sdxl attn2.to_k, 640': 'tiled64x64k8',
        'sdxl attn1.to_q, 640': 'tiled128x64',
        'sdxl attn1.to_q, 1280': 'tiled128x64',
        'sd15 attn1.to_q, 1280': 'tiled64x64',
        'sd15 mid_block ff.net.2': 'tiled64x64k4',
        'a short K': 'tiled32x32',
      },
    ],
    [
      'a GPU with matrix units',
      matrixLike,
      {
        'sdxl time_emb_proj': 'few4',
        'sdxl attn2.to_k, 640': 'matrix64x64k8',
        'sdxl attn1.to_q, 640': 'matrix128x128',
        'sdxl attn1.to_q, 1280': 'matrix128x128',
        'sd15 attn1.to_q, 1280': 'matrix64x64',
        'sd15 mid_block ff.net.2': 'matrix64x64k4',
        'a short K': 'matrix32x32',
      },
    ],
  ])('are chosen by size on %s', (_, profile, expected) => {
    const chosen = Object.entries(shapes).map(([label, [rows, k, n]]) => {
      const g = new Graph('choice', { dtype: 'f16' });
      g.segment('run');
      makeRoom(g);
      linear(g, g.input('x', [rows, k]), linearWeight(new WeightScope(g), n, k), { label });
      const node = planProgram(g, profile).segments[0]!.nodes.find((one) => one.node.label === label)!;
      return [label, node.dispatches[0]!.kernel.name.replace('product/', '')];
    });
    expect(Object.fromEntries(chosen)).toEqual(expected);
  });

  it('are cut along K only where that raises no peak', () => {
    const g = new Graph('tight', { dtype: 'f16' });
    g.segment('run');
    const y = linear(g, g.input('x', [128, 5120]), linearWeight(new WeightScope(g), 1280, 5120), { label: 'y' });
    g.output('out', linear(g, y, linearWeight(new WeightScope(g, 'out'), 8, 1280), { label: 'out' }));
    const plan = planProgram(g, defaultProfile);
    expect(plan.kernelKeys[0]).toContain('product/tiled32x32#');
    expect(plan.intermediatesBytes).toBe(128 * 1280 * 2);
  });

  it('sum up only in floats: matrix units that do not are left alone', () => {
    const shapesOf = (profile: DeviceProfile): string[] => {
      const g = new Graph('matrices', { dtype: 'f16' });
      g.segment('run');
      linear(g, g.input('x', [512, 64]), linearWeight(new WeightScope(g), 1280, 64), { label: 'y' });
      const plan = planProgram(g, profile);
      const text = plan.segments[0]!.nodes[0]!.dispatches[0]!.kernel.wgsl;
      return [...text.matchAll(/subgroup_matrix_(\w+<[^>]*>)/gu)].map(([, type]) => type!);
    };
    expect(shapesOf(matrixLike)).toEqual(['left<f16, 16, 16>', 'right<f16, 16, 16>', 'result<f32, 16, 16>']);
    // Narrow results, and operands that must not be rounded.
    expect(shapesOf(metalLike)).toEqual(['left<f32, 8, 8>', 'right<f32, 8, 8>', 'result<f32, 8, 8>']);
    expect(shapesOf({ ...metalLike, subgroupMatrixShapes: metalLike.subgroupMatrixShapes.slice(1) })).toEqual([]);
    const withoutHalves = { ...matrixLike, features: { ...matrixLike.features, shaderF16: false } };
    expect(shapesOf(withoutHalves)).toEqual([]);
  });
});
