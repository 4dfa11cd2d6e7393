import {
  defaultProfile,
  Graph,
  planProgram,
  WeightScope,
  type DeviceProfile,
  type PaletteForm,
} from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { paletteForms } from '../../test/palettized.js';
import { kernelsOf, tintErrors } from '../../test/tint.js';
import { conv2d, convWeight } from '../conv2d/conv2d.js';
import { geglu } from '../matmul/geglu.js';
import { linear, linearWeight } from '../matmul/linear.js';
import { productVariants } from './choose.js';

/** A software adapter with subgroups of one size. */
const software = (lanes: number, shaderF16: boolean): DeviceProfile => ({
  ...defaultProfile,
  isSoftware: true,
  features: { ...defaultProfile.features, subgroups: true, shaderF16 },
  subgroupMinSize: lanes,
  subgroupMaxSize: lanes,
});

const lavapipeLike = software(8, true);
const swiftshaderLike = software(4, false);
const wide: DeviceProfile = { ...software(32, true), isSoftware: false };
const matrixLike: DeviceProfile = {
  ...defaultProfile,
  features: { ...defaultProfile.features, subgroups: true, subgroupMatrix: true },
  subgroupMatrixShapes: [{ component: 'f16', result: 'f32', m: 16, n: 16, k: 16 }],
  limits: { ...defaultProfile.limits, maxComputeWorkgroupStorageSize: 32768 },
};

/** Every kind of product with palettized weights: ragged outputs, gates that begin with a block and amid one, taps. */
function everyProduct(form: PaletteForm): Graph {
  const g = new Graph('palettized', { dtype: 'f16', palettes: () => form });
  g.segment('run');
  const scope = new WeightScope(g);
  const x = g.input('x', [2, 6, 6, 8]);
  linear(g, x, linearWeight(scope.in('ragged'), 70, 8), { label: 'ragged' });
  linear(g, x, linearWeight(scope.in('whole'), 64, 8), { label: 'whole' });
  geglu(g, x, linearWeight(scope.in('gated'), 128, 8), { label: 'gated' });
  geglu(g, x, linearWeight(scope.in('amid'), 72, 8), { label: 'gates amid a block' });
  conv2d(g, x, convWeight(scope.in('conv'), 36, [8], 3), { label: 'conv' });
  return g;
}

/** Kernels of all products in a variant, where the adapter supports it. */
function kernelsIn(variant: string, form: PaletteForm, profile: DeviceProfile): ReturnType<typeof kernelsOf> {
  const plan = planProgram(everyProduct(form), profile, {
    pick: (_key, names) => names.find((name) => name === variant),
  });
  return kernelsOf(plan.segments.flatMap(({ nodes }) => nodes.flatMap(({ dispatches }) => dispatches)));
}

describe('kernels of palettized products as text', () => {
  it.each(Object.entries({ lavapipeLike, swiftshaderLike, wide, matrixLike }))(
    'compile on %s, every width, every supported variant',
    async (_name, profile) => {
      const kernels = new Map<string, ReturnType<typeof kernelsOf>[number]>();
      for (const form of paletteForms) {
        for (const { name } of productVariants) {
          for (const kernel of kernelsIn(name, form, profile)) kernels.set(kernel.key, kernel);
        }
      }
      expect(kernels.size).toBeGreaterThan(50);
      expect(await tintErrors(kernels.values())).toEqual([]);
    },
    120_000,
  );

  /** Text of the layer whose columns fill blocks. */
  const textOf = (variant: string, form: PaletteForm, profile: DeviceProfile, label = 'whole'): string => {
    const plan = planProgram(everyProduct(form), profile, {
      pick: (_key, names) => names.find((name) => name === variant),
    });
    const node = plan.segments[0]!.nodes.find((one) => one.node.label === label)!;
    const { kernel } = node.dispatches[0]!;
    expect(kernel.name).toBe(`product/${variant}`);
    return kernel.wgsl;
  };

  it('shuffle words and palettes where a subgroup covers a block', () => {
    for (const bits of [1, 2, 3, 4, 6] as const) {
      const text = textOf('columns16x32', { bits }, lavapipeLike);
      expect(text).toContain('subgroupShuffle(column.');
      expect(text).not.toContain('own_palette');
    }
    // 256 entries are too many to shuffle, and so are palettes that differ within a block.
    expect(textOf('columns16x32', { bits: 8 }, lavapipeLike)).toContain('own_palette: array<f32, 256>');
    expect(textOf('columns16x32', { bits: 4, group: 8 }, lavapipeLike)).toContain('own_palette: array<f32, 16>');
    expect(textOf('columns16x64', { bits: 4, group: 8 }, lavapipeLike)).toContain('own_palette: array<f32, 32>');
    expect(textOf('columns16x32', { bits: 4, group: 64 }, lavapipeLike)).not.toContain('own_palette');
  });

  it('load their own words where a subgroup does not cover whole blocks', () => {
    expect(textOf('columns16x32', { bits: 4 }, swiftshaderLike)).not.toContain('subgroupShuffle');
    expect(textOf('columns8x32', { bits: 4 }, lavapipeLike, 'gates amid a block')).not.toContain('subgroupShuffle');
    expect(textOf('columns8x32', { bits: 4 }, lavapipeLike, 'gated')).toContain('subgroupShuffle');
    // A GPU's subgroup: private tables would lie in its memory.
    expect(textOf('columns32x32', { bits: 4 }, wide)).not.toContain('own_palette');
  });

  it('keep one palette in workgroup memory where there is room', () => {
    expect(textOf('tiled64x64', { bits: 8 }, defaultProfile)).toContain('staged_palette: array<f32, 256>');
    expect(textOf('tiled64x64', { bits: 8, group: 32 }, defaultProfile)).not.toContain('staged_palette');
    const full = {
      ...defaultProfile,
      limits: { ...defaultProfile.limits, maxComputeWorkgroupStorageSize: 14_500 },
    };
    expect(textOf('tiled128x64', { bits: 4 }, full)).toContain('staged_palette');
    expect(textOf('tiled128x64', { bits: 8 }, full)).not.toContain('staged_palette');
  });
});
