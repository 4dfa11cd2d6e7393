import {
  defaultProfile,
  Graph,
  planProgram,
  WeightScope,
  type DeviceProfile,
  type ProgramPlan,
} from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { kernelsOf, tintErrors } from '../../test/tint.js';
import { conv2d, convWeight } from '../conv2d/conv2d.js';
import { linear, linearWeight } from '../matmul/linear.js';
import { productVariants } from '../product/choose.js';

const subgroupsOf = (lanes: number): DeviceProfile => ({
  ...defaultProfile,
  isSoftware: true,
  features: { ...defaultProfile.features, subgroups: true },
  subgroupMinSize: lanes,
  subgroupMaxSize: lanes,
});

function planned(
  profile: DeviceProfile,
  variant: string | undefined,
  record: (g: Graph, scope: WeightScope) => void,
  room = 2 ** 24,
): ProgramPlan {
  const g = new Graph('measured', { dtype: 'f16' });
  g.segment('run');
  record(g, new WeightScope(g));
  return planProgram(g, profile, { scratchBytes: room, pick: (_key, names) => names.find((name) => name === variant) });
}

const kernelNames = (plan: ProgramPlan): string[] =>
  plan.segments[0]!.nodes.flatMap(({ dispatches }) => dispatches.map(({ kernel }) => kernel.name));

/** A measured convolution of `[batch, side, side, 64]`. */
function convolution(batch: number, side: number) {
  return (g: Graph, scope: WeightScope): void => {
    const x = g.input('x', [batch, side, side, 64]);
    g.output('y', conv2d(g, x, convWeight(scope, 80, [64], 3), { measured: true, label: 'conv' }));
  };
}

describe('statistics taken by an epilogue', () => {
  const able = productVariants.filter(({ takesMoments }) => takesMoments).map(({ name }) => name);

  it('come from columns and tiles', () => {
    expect(able.some((name) => name.startsWith('columns'))).toBe(true);
    expect(able.some((name) => name.startsWith('tiled'))).toBe(true);
  });

  it.each([
    ['columns', [subgroupsOf(4), subgroupsOf(8)]],
    ['tiled', [defaultProfile]],
  ] as const)(
    '%s: texts compile, and workgroup memory is within WebGPU’s guaranteed limit',
    async (family, profiles) => {
      const names = able.filter((name) => name.startsWith(family));
      const record = (g: Graph, scope: WeightScope): void => {
        const residual = g.input('r', [1, 16, 16, 80]);
        const x = g.input('x', [1, 16, 16, 64]);
        g.output('y', conv2d(g, x, convWeight(scope, 80, [64], 3), { measured: true, residual, label: 'conv' }));
        g.output('z', linear(g, g.input('l', [1, 128, 64]), linearWeight(scope.in('l'), 80, 64), { measured: true, label: 'l' })); // prettier-ignore
      };
      expect(names.length).toBeGreaterThan(3);
      for (const name of names) {
        const plans = profiles.map((profile) => planned(profile, name, record));
        // Where a variant is not offered, the heuristic's choice runs; each is offered somewhere.
        const taking = plans.filter((plan) => kernelNames(plan).includes(`product/${name}`));
        expect([name, taking.length > 0]).toEqual([name, true]);
        for (const plan of taking) {
          expect(kernelNames(plan).filter((kernel) => kernel === `product/${name}`)).toHaveLength(2);
          expect(kernelNames(plan)).not.toContain('norm/group-partial');
          const kernels = kernelsOf(plan.segments[0]!.nodes.flatMap(({ dispatches }) => dispatches));
          for (const { wgsl, bindings } of kernels) {
            const shared = [...wgsl.matchAll(/var<workgroup> \w+: array<vec4<f(32|16)>, (\d+)>/g)];
            const bytes = shared.reduce((sum, [, bits, length]) => sum + (Number(bits) / 2) * Number(length), 0);
            expect(bytes).toBeLessThanOrEqual(16384);
            expect(bindings.length).toBeLessThanOrEqual(8);
          }
          expect(await tintErrors(kernels)).toEqual([]);
        }
      }
    },
  );

  it('need blocks that end with images, and room for the moments of every block', () => {
    const inEpilogue = (batch: number, side: number, room?: number): boolean =>
      !kernelNames(planned(defaultProfile, 'tiled64x64', convolution(batch, side), room)).includes(
        'norm/group-partial',
      );
    expect(inEpilogue(1, 9)).toBe(true);
    expect(inEpilogue(2, 16)).toBe(true);
    expect(inEpilogue(2, 9)).toBe(false);
    const blocks = 256 / 64;
    expect(inEpilogue(1, 16, blocks * 2 * 80 * 4)).toBe(true);
    expect(inEpilogue(1, 16, blocks * 2 * 80 * 4 - 1)).toBe(false);
  });

  it('are read from the output where another algorithm wrote it', () => {
    const plan = planned(defaultProfile, 'few4', convolution(1, 16));
    expect(kernelNames(plan)).toEqual(['product/few4', 'norm/group-partial', 'norm/fold-moments']);
  });

  it('cost no second reading: what is moved more are moments alone', () => {
    const of = (measured: boolean): number =>
      planned(defaultProfile, 'tiled64x64', (g, scope) => {
        const x = g.input('x', [1, 64, 64, 64]);
        g.output('y', conv2d(g, x, convWeight(scope, 80, [64], 3), { measured, label: 'conv' }));
      }).segments[0]!.bytesMoved;
    const moments = (4096 / 64) * 2 * 80 * 4;
    const statistics = 2 * 80 * 4;
    expect(of(true) - of(false)).toBe(2 * moments + statistics);
  });
});
