/**
 * How often fused ops send tensors through memory, counted on plans, beside the same formulas built of primitives as an
 * engine without fusion runs them (arXiv 2304.11267 counts 8 writes and 10 reads for GELU's tanh form).
 */
import {
  defaultProfile,
  Graph,
  plainRows,
  planProgram,
  tensorBytes,
  WeightScope,
  type ProgramPlan,
} from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { primitive, trafficOf } from '../test/traffic.js';
import { tintErrors, kernelsOf } from '../test/tint.js';
import { attention, conv2d, convWeight, geglu, groupNorm, groupNormStats, linear, linearWeight } from './index.js';

interface Recording {
  readonly g: Graph;
  readonly scope: WeightScope;
}

function planned(record: (r: Recording) => void, room = 0, pick?: string): ProgramPlan {
  const g = new Graph('fusion', { dtype: 'f16' });
  g.segment('run');
  record({ g, scope: new WeightScope(g) });
  return planProgram(g, defaultProfile, {
    scratchBytes: room,
    pick: (_key, names) => names.find((name) => name === pick),
  });
}

const rows = 4096;
const channels = 640;

describe('GELU', () => {
  const naive = planned(({ g }) => {
    const x = g.input('x', [1, rows, channels]);
    const cube = primitive(g, 'a * a * a', [x], 'x³');
    const small = primitive(g, '0.044715 * a', [cube], '0.044715·x³');
    const sum = primitive(g, 'a + b', [x, small], 'x + …');
    const scaled = primitive(g, '0.7978845608 * a', [sum], '√(2/π)·…');
    const tanh = primitive(g, 'tanh(a)', [scaled], 'tanh');
    const plus = primitive(g, '1.0 + a', [tanh], '1 + tanh');
    const times = primitive(g, 'a * b', [x, plus], 'x·…');
    g.output('y', primitive(g, '0.5 * a', [times], '½·…'));
  });

  it('takes 8 programs, 10 reads and 8 writes of primitives', async () => {
    expect(trafficOf(naive, () => true)).toEqual({ programs: 8, reads: 10, writes: 8 });
    expect(await tintErrors(kernelsOf(naive.segments[0]!.nodes.flatMap((n) => n.dispatches)))).toEqual([]);
  });

  it('takes none in the epilogue of the projection before it: one read and one write are the projection’s own', () => {
    const projection = (activation: 'none' | 'gelu_tanh'): ProgramPlan =>
      planned(({ g, scope }) => {
        const x = g.input('x', [1, rows, channels]);
        g.output('y', linear(g, x, linearWeight(scope, channels, channels), { activation, label: 'l' }));
      });
    const [plain, fused] = [projection('none'), projection('gelu_tanh')];
    expect(trafficOf(fused, () => true)).toEqual({ programs: 1, reads: 1, writes: 1 });
    expect(trafficOf(plain, () => true)).toEqual({ programs: 1, reads: 1, writes: 1 });
    expect(fused.segments[0]!.bytesMoved).toBe(plain.segments[0]!.bytesMoved);
    expect(fused.intermediatesBytes).toBe(plain.intermediatesBytes);
  });
});

describe('GEGLU', () => {
  it('writes its product alone: neither values, gates nor the projection they are halves of', () => {
    const inner = 4 * channels;
    const plan = planned(({ g, scope }) => {
      const x = g.input('x', [1, rows, channels]);
      g.output('y', geglu(g, x, linearWeight(scope, 2 * inner, channels), { label: 'geglu' }));
    });
    expect(trafficOf(plan, () => true)).toEqual({ programs: 1, reads: 1, writes: 1 });
    const weights = 2 * inner * channels * 2;
    expect(plan.segments[0]!.bytesMoved).toBe(rows * channels * 2 + weights + rows * inner * 2);
  });
});

describe('GroupNorm and SiLU before a convolution', () => {
  const picture = [1, 64, 64, 320] as const;
  const bytes = tensorBytes({ shape: picture, dtype: 'f16' });
  const isPicture = (t: { readonly shape: readonly number[] }): boolean => t.shape.join() === picture.join();

  /** Convolution, norm, convolution: how often pictures go through memory. */
  const chain = (measured: boolean, onLoad: boolean): ProgramPlan =>
    planned(
      ({ g, scope }) => {
        const x = g.input('x', picture);
        const w = (name: string): ReturnType<typeof convWeight> => convWeight(scope.in(name), 320, [320], 3);
        const first = conv2d(g, x, w('first'), { measured, label: 'first' });
        const [gamma, beta] = [scope.weight('gamma', [320], plainRows), scope.weight('beta', [320], plainRows)];
        const norm = { gamma, beta, groups: 32, eps: 1e-5 };
        const y = onLoad
          ? conv2d(g, first, w('second'), {
              norm: { affine: groupNormStats(g, first, { ...norm, label: 'norm' }), silu: true },
              label: 'second',
            })
          : conv2d(g, groupNorm(g, first, { ...norm, silu: true, label: 'norm' }), w('second'), { label: 'second' });
        g.output('y', y);
      },
      2 ** 24,
      'tiled64x64',
    );

  it('takes 7 more reads and 7 more writes of primitives, without the statistics’ own', () => {
    const naive = planned(({ g }) => {
      const x = g.input('x', picture);
      const centred = primitive(g, 'a - 0.5', [x], 'x − mean');
      const scaled = primitive(g, 'a * 0.5', [centred], '· 1/σ');
      const gamma = primitive(g, 'a * 0.5', [scaled], '· γ');
      const beta = primitive(g, 'a + 0.5', [gamma], '+ β');
      const e = primitive(g, 'exp(-a)', [beta], 'exp');
      const sigmoid = primitive(g, '1.0 / (1.0 + a)', [e], 'sigmoid');
      g.output('y', primitive(g, 'a * b', [beta, sigmoid], 'silu'));
    });
    expect(trafficOf(naive, isPicture)).toEqual({ programs: 7, reads: 8, writes: 7 });
  });

  it.each([
    // The two convolutions read and write one picture each.
    { measured: false, onLoad: false, extra: { reads: 2, writes: 1 } },
    { measured: true, onLoad: false, extra: { reads: 1, writes: 1 } },
    { measured: false, onLoad: true, extra: { reads: 1, writes: 0 } },
    { measured: true, onLoad: true, extra: { reads: 0, writes: 0 } },
  ])('measured by the producer: $measured, applied on load: $onLoad: $extra more', ({ measured, onLoad, extra }) => {
    const plan = chain(measured, onLoad);
    const { reads, writes } = trafficOf(plan, isPicture);
    expect({ reads: reads - 2, writes: writes - 2 }).toEqual(extra);
    // What is moved beside pictures and weights are moments of blocks of rows, scales and shifts.
    const weights = plan.weights.reduce((sum, w) => sum + w.byteLength, 0);
    const beside = plan.segments[0]!.bytesMoved - weights - (reads + writes) * bytes;
    expect(beside).toBeGreaterThan(0);
    expect(beside).toBeLessThan(0.3 * bytes);
  });
});

describe('the softmax of attention', () => {
  const heads = 8;
  const tokens = 256;
  const isScores = (t: { readonly shape: readonly number[] }): boolean =>
    t.shape.join() === `${heads * tokens},${tokens}`;

  const attend = (variant: string): ProgramPlan =>
    planned(
      ({ g }) => {
        const q = g.input('q', [1, tokens, heads * 64]);
        g.output('y', attention(g, { q, k: q, v: q, heads, label: 'a' }));
      },
      2 ** 26,
      variant,
    );

  it('takes 3 writes and 3 reads of primitives, without the rows’ maximum and sum', () => {
    const naive = planned(({ g }) => {
      const s = g.input('s', [heads * tokens, tokens]);
      const centred = primitive(g, 'a - 0.5', [s], 's − maximum');
      const e = primitive(g, 'exp(a)', [centred], 'exp');
      g.output('p', primitive(g, 'a * 0.5', [e], '/ sum'));
    });
    expect(trafficOf(naive, isScores)).toEqual({ programs: 3, reads: 3, writes: 3 });
  });

  it('split: writes nothing but raw scores, read for maximum and sum, and by the product', () => {
    expect(trafficOf(attend('split-tiled64x64'), isScores)).toEqual({ programs: 3, reads: 2, writes: 1 });
  });

  it('flash: not even those', () => {
    expect(trafficOf(attend('flash-tiled'), isScores)).toEqual({ programs: 0, reads: 0, writes: 0 });
  });
});
