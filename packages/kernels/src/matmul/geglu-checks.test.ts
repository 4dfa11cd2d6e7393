import { Graph, plainRows, WeightScope, type Tensor, type Weight } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { geglu } from './geglu.js';
import { gegluFeedForward } from './geglu-feed-forward.js';
import { linearWeight } from './linear.js';

type Op = (g: Graph, scope: WeightScope, x: Tensor, w: Weight, bias?: Weight) => Tensor;

const ops: Record<string, Op> = {
  geglu: (g, _, x, w, bias) => geglu(g, x, w, { bias, label: 'op' }),
  gegluFeedForward(g, scope, x, proj, projBias) {
    const out = linearWeight(scope.in('out'), 8, 16);
    const residual = g.tensor('residual', [...x.shape.slice(0, -1), 8]);
    return gegluFeedForward(g, x, { proj, projBias, out, residual, slices: 1, label: 'op' });
  },
};

describe.each(Object.entries(ops))('%s', (name, op) => {
  const g = new Graph('checks', { dtype: 'f32' });
  g.segment('run');
  const scope = new WeightScope(g);
  const x = g.input('x', [2, 3, 8]);
  const proj = linearWeight(scope.in('fits'), 32, 8);
  const bias = scope.weight('bias', [32], plainRows);

  it('takes what fits', () => {
    expect(op(g, scope.in('good'), x, proj, bias).shape.slice(0, 2)).toEqual([2, 3]);
  });

  it.each([
    [
      'another width',
      x,
      linearWeight(scope.in('wide'), 32, 12),
      undefined,
      /a projection of \[32, 8\], got \[32, 12\]/,
    ],
    [
      'halves that are no whole vec4s',
      x,
      linearWeight(scope.in('odd'), 20, 8),
      undefined,
      /multiple of 4 rows each, got 20/,
    ],
    ['an odd number of rows', x, linearWeight(scope.in('half'), 33, 8), undefined, /multiple of 4 rows each, got 33/],
    [
      'another layout',
      x,
      scope.weight('plain', [32, 8], plainRows),
      undefined,
      /layout blocks32 for "plain", got rows/,
    ],
    ['a short bias', x, proj, scope.weight('short', [16], plainRows), /a projection bias of \[32\], got \[16\]/],
    ['integers', g.input('ids', [3, 8], 'u32'), proj, bias, /f32 or f16 elements in "ids", got u32/],
    ['a vector', g.input('vector', [8]), proj, bias, /an input \[..., K\], got \[8\]/],
  ] as const)('refuses %s', (what, input, w, b, message) => {
    const refused = (): Tensor => op(g, scope.in(what), input, w, b);
    expect(refused).toThrow(message);
    expect(refused).toThrow(new RegExp(`^${name} op: expected `));
  });
});
