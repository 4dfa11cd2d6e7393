import { defaultProfile, Graph, plainRows, planProgram, WeightScope, type DeviceProfile } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { attention } from '../attention/attention.js';
import { gatherRows } from '../embedding/gather-rows.js';
import { tokenEmbedding } from '../embedding/token-embedding.js';
import { add } from '../latent/elementwise.js';
import { linear, linearWeight } from '../matmul/linear.js';
import { layerNorm } from '../norm/layer-norm.js';

const limits = { ...defaultProfile.limits, maxStorageBufferBindingSize: 1024, minStorageBufferOffsetAlignment: 256 };
const small: DeviceProfile = { ...defaultProfile, limits };

/** 4 KiB a row. */
const width = 1024;

const ops: Record<string, (g: Graph, scope: WeightScope) => void> = {
  add: (g) => void add(g, g.input('a', [2, width]), g.input('b', [2, width]), { label: 'sum' }),
  linear: (g, scope) => void linear(g, g.input('x', [2, width]), linearWeight(scope, 8, width), { label: 'wide' }),
  layerNorm(g, scope) {
    const [gamma, beta] = [scope.weight('gamma', [width], plainRows), scope.weight('beta', [width], plainRows)];
    layerNorm(g, g.input('x', [2, width]), { gamma, beta, eps: 1e-5, label: 'norm' });
  },
  tokenEmbedding(g, scope) {
    const [table, places] = [
      scope.weight('table', [9, width], plainRows),
      scope.weight('places', [5, width], plainRows),
    ];
    tokenEmbedding(g, g.input('ids', [1, 5], 'u32'), table, places, { label: 'tokens' });
  },
  gatherRows: (g) => void gatherRows(g, g.input('x', [2, 5, 64]), g.input('rows', [2], 'u32'), { label: 'rows' }),
  attention(g) {
    const q = g.input('q', [2, 9, 64]);
    attention(g, { q, k: q, v: q, heads: 1, label: 'self' });
  },
};

describe('what an adapter cannot bind', () => {
  it.each(Object.entries(ops))('is refused by %s under the one code for limits, and only there', (_, record) => {
    const graph = (): Graph => {
      const g = new Graph('limits', { dtype: 'f32' });
      g.segment('run');
      record(g, new WeightScope(g));
      return g;
    };
    expect(() => planProgram(graph(), small)).toThrow(
      expect.objectContaining({ code: 'device/limit', message: expect.stringContaining('1024 bytes') as string }),
    );
    expect(planProgram(graph(), defaultProfile).segments[0]!.dispatches).toBeGreaterThan(0);
  });
});
