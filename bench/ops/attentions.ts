import { attention } from '@pleinair/kernels';
import type { OpCase } from './op-case.js';
import { stored } from './values.js';

/** Sizes of an attention. */
export interface AttentionSizes {
  readonly queries: number;
  readonly keys: number;
  readonly heads: number;
  readonly headDim: number;
  /** Token i sees tokens 0 … i only. */
  readonly causal?: boolean;
}

/** `[1, queries, heads·d]` over keys and values that stay the same: what comes out asks again. */
export function attend({ queries, keys, heads, headDim, causal }: AttentionSizes): Omit<OpCase, 'suite' | 'shape'> {
  const c = heads * headDim;
  return {
    input: [1, queries, c],
    ours: ({ g, side, scope }, q) =>
      attention(g, { q, k: side('k', [1, keys, c]), v: side('v', [1, keys, c]), heads, causal, label: scope.prefix }),
    peer({ m, side }, q) {
      const inputs = [q, side('k', [1, keys, c]), side('v', [1, keys, c])];
      // The provider's MultiHeadAttention takes a mask as a bias on the scores.
      if (causal)
        inputs.push(
          '',
          '',
          m.constant('mask', m.dtype, [1, 1, queries, keys], () => mask(m.dtype, queries)),
        );
      return m.op('MultiHeadAttention', inputs, { num_heads: heads }, 'com.microsoft');
    },
    exported({ m, side }, q) {
      const perHead = (x: string, tokens: number, perm: readonly number[]): string =>
        m.op('Transpose', [m.op('Reshape', [x, m.integers([1, tokens, heads, headDim])])], { perm });
      const scale = m.constant('scale', m.dtype, [1], () => stored(Float32Array.of(1 / Math.sqrt(headDim)), m.dtype));
      const k = perHead(side('k', [1, keys, c]), keys, [0, 2, 3, 1]);
      const scaled = m.op('Mul', [perHead(q, queries, [0, 2, 1, 3]), scale]);
      let scores = m.op('MatMul', [scaled, k]);
      if (causal) {
        const shape = [1, 1, queries, keys];
        scores = m.op('Add', [scores, m.constant('mask', m.dtype, shape, () => mask(m.dtype, queries))]);
      }
      const weights = m.op('Softmax', [scores], { axis: -1 });
      const y = m.op('MatMul', [weights, perHead(side('v', [1, keys, c]), keys, [0, 2, 1, 3])]);
      return m.op('Reshape', [m.op('Transpose', [y], { perm: [0, 2, 1, 3] }), m.integers([1, queries, c])]);
    },
  };
}

function mask(dtype: 'f32' | 'f16', tokens: number): Float32Array | Uint16Array {
  const length = tokens * tokens;
  return stored(
    Float32Array.from({ length }, (_, i) => (i % tokens > Math.floor(i / tokens) ? -1e4 : 0)),
    dtype,
  );
}
