import {
  defaultProfile,
  Graph,
  plainRows,
  planProgram,
  tensorBytes,
  WeightScope,
  type DeviceProfile,
  type PlanOptions,
  type SegmentPlan,
} from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { kernelsOf, tintErrors } from '../../../test/tint.js';
import { conv2d, convWeight, type Conv2dOptions } from '../conv2d.js';
import { convGeometry } from '../geometry.js';
import type { TileSize } from './cook-toom.js';
import { tileGrid } from './tiles.js';
import { winogradLayout } from './weight-layout.js';

const software: DeviceProfile = {
  ...defaultProfile,
  isSoftware: true,
  features: { ...defaultProfile.features, subgroups: true },
  subgroupMinSize: 8,
  subgroupMaxSize: 8,
};
const swiftshader: DeviceProfile = {
  ...software,
  features: { ...software.features, shaderF16: false },
  subgroupMinSize: 4,
  subgroupMaxSize: 4,
};

interface Sizes {
  readonly side: number;
  readonly cin: number;
  readonly cout: number;
}

/** One convolution, planned. */
function planned(
  { side, cin, cout }: Sizes,
  dtype: 'f16' | 'f32',
  options: PlanOptions,
  profile: DeviceProfile = defaultProfile,
): SegmentPlan {
  const g = new Graph('test', { dtype });
  g.segment('run');
  const x = g.input('x', [1, side, side, cin]);
  g.output('y', conv2d(g, x, convWeight(new WeightScope(g), cout, [cin], 3), { label: 'conv' }));
  return planProgram(g, profile, options).segments[0]!;
}

const forced = (name: string): PlanOptions => ({
  scratchBytes: 2 ** 30,
  transformedWeights: true,
  pick: (_key, variants) => variants.find((v) => v === name),
});
/** What a convolution was planned as: the name its transforms' kernels share, or `direct`. */
function algorithm(plan: SegmentPlan): string {
  const names = plan.nodes.flatMap(({ dispatches }) => dispatches.map(({ kernel }) => kernel.name.split('/')[0]!));
  return names.find((name) => name.startsWith('winograd')) ?? 'direct';
}

describe('the table of arXiv 2304.11267', () => {
  // Output tile: times fewer multiplications, times larger intermediates, times larger weights.
  const article: readonly (readonly [TileSize, number, number, number])[] = [
    [2, 2.25, 4, 1.77],
    [4, 4, 2.25, 4],
    [6, 5.06, 1.8, 7.12],
    [8, 5.76, 1.56, 11.1],
  ];
  const sizes: Sizes = { side: 48, cin: 128, cout: 64 };

  it.each(article.slice(0, 3))('is what the planner gives for F(%i, 3)', (m, flops, intermediates, weights) => {
    const [direct, winograd] = [planned(sizes, 'f32', {}), planned(sizes, 'f32', forced(`winograd${m}`))];
    const node = winograd.nodes[0]!;
    const products = node.dispatches.filter(({ kernel }) => kernel.name.startsWith('product/'));
    const executed = products.reduce((sum, d) => sum + d.executedFlops!, 0);
    expect(winograd.flops).toBe(direct.flops);
    expect(direct.flops / executed).toBeCloseTo(flops, 1);
    const [transformed] = node.scratch;
    expect(tensorBytes(transformed!) / tensorBytes(node.node.inputs[0]!)).toBeCloseTo(intermediates, 1);
    expect(winograd.weights[0]!.byteLength / direct.weights[0]!.byteLength).toBeCloseTo(weights, 1);
  });

  it('is what would be planned for F(8, 3), which is not offered', () => {
    const [m, flops, intermediates, weights] = article[3]!;
    const geometry = convGeometry('test', [1, 48, 48, 128], { kernel: 3 });
    const { points, tiles } = tileGrid(geometry, m);
    expect((9 * 48 * 48) / (points * tiles)).toBeCloseTo(flops, 1);
    expect((points * tiles) / (48 * 48)).toBeCloseTo(intermediates, 1);
    expect(winogradLayout(m, [128]).elements([64, 128, 3, 3]) / (64 * 128 * 9)).toBeCloseTo(weights, 1);
  });
});

describe('winograd as planned', () => {
  const sizes: Sizes = { side: 32, cin: 128, cout: 128 };

  it('takes only the room there is, and none unless there is some', () => {
    const { pick } = forced('winograd4-sliced');
    expect(algorithm(planned(sizes, 'f16', { pick }))).toBe('direct');
    for (const scratchBytes of [2 ** 21, 2 ** 22, 2 ** 24]) {
      const plan = planned(sizes, 'f16', { pick, scratchBytes });
      expect(algorithm(plan)).toBe('winograd4');
      expect(plan.intermediatesBytes).toBeLessThanOrEqual(scratchBytes);
    }
  });

  it('lays weights out larger only where it may', () => {
    const { pick, scratchBytes } = forced('winograd4');
    expect(algorithm(planned(sizes, 'f16', { pick, scratchBytes }))).toBe('direct');
    expect(algorithm(planned(sizes, 'f16', forced('winograd4')))).toBe('winograd4');
  });

  it('is offered where it can serve: 3×3, stride 1, channels and tiles enough', () => {
    const offered = ({ side, cin, cout }: Sizes, options: Partial<Conv2dOptions> = {}, kernel: 1 | 3 = 3): string[] => {
      const g = new Graph('test', { dtype: 'f16' });
      g.segment('run');
      const weight = convWeight(new WeightScope(g), cout, [cin], kernel);
      g.output('y', conv2d(g, g.input('x', [1, side, side, cin]), weight, { ...options, label: 'conv' }));
      const seen: string[] = [];
      planProgram(g, defaultProfile, {
        ...forced(''),
        pick: (_key, variants) => void seen.push(...variants.filter((v) => v.startsWith('winograd'))),
      });
      return seen;
    };
    // Halves of weights transformed once are too coarse for F(6, 3).
    expect(offered(sizes)).toEqual([
      'winograd2',
      'winograd2-sliced',
      'winograd2-loaded',
      'winograd4',
      'winograd4-sliced',
      'winograd4-loaded',
      'winograd6-sliced',
      'winograd6-loaded',
    ]);
    expect(offered(sizes, {}, 1)).toEqual([]);
    expect(offered(sizes, { stride: 2 })).toEqual([]);
    expect(offered({ ...sizes, cin: 4 })).toEqual([]);
    expect(offered({ ...sizes, side: 2 })).toEqual([]);
    expect(offered(sizes, { upsample: 2 })).toHaveLength(8);
  });

  it('is taken without a tuner on software adapters only', () => {
    const options = { scratchBytes: 2 ** 26 };
    expect(algorithm(planned(sizes, 'f16', options))).toBe('direct');
    expect(algorithm(planned(sizes, 'f16', options, software))).toBe('winograd4');
    expect(algorithm(planned({ ...sizes, cin: 32 }, 'f16', options, software))).toBe('direct');
  });
});

describe('winograd kernels as text', () => {
  it.each([
    ['gpu', defaultProfile, 'f16'],
    ['gpu', defaultProfile, 'f32'],
    ['lavapipe', software, 'f16'],
    ['swiftshader', swiftshader, 'f16'],
  ] as const)('compile on %s in every form', async (_name, profile, dtype) => {
    const kernels = new Map<string, ReturnType<typeof kernelsOf>[number]>();
    for (const palettized of [false, true]) {
      const palettes = palettized
        ? { palettes: (name: string) => (name === 'weight' ? { bits: 6 as const } : undefined) }
        : {};
      const g = new Graph('every', { dtype, ...palettes });
      g.segment('run');
      const scope = new WeightScope(g);
      const x = g.input('x', [2, 13, 18, 20]);
      const second = g.input('second', [2, 13, 18, 24]);
      const affine = g.input('affine', [2, 2, 44], 'f32');
      const bias = scope.weight('bias', [38], plainRows);
      const perImage = g.input('time', [2, 38]);
      const plain = conv2d(g, x, convWeight(scope, 38, [20], 3), { bias, label: 'plain' });
      conv2d(g, x, convWeight(scope.in('normed'), 38, [20, 24], 3), {
        second,
        bias,
        perImage,
        residual: plain,
        norm: { affine, silu: true },
        activation: 'silu',
        label: 'normed',
      });
      for (const name of [2, 4, 6].flatMap((m) => ['', '-sliced', '-loaded'].map((form) => `winograd${m}${form}`))) {
        const plan = planProgram(g, profile, forced(name));
        for (const kernel of kernelsOf(plan.segments[0]!.nodes.flatMap((n) => n.dispatches))) {
          kernels.set(kernel.key, kernel);
        }
      }
    }
    expect([...kernels.values()].filter(({ name }) => name.startsWith('winograd')).length).toBeGreaterThanOrEqual(18);
    expect(await tintErrors(kernels.values())).toEqual([]);
  });
});
