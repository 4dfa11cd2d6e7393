import { attention } from '@pleinair/kernels';
import type { OpCase } from './op-case.js';

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
  };
}

function mask(dtype: 'f32' | 'f16', tokens: number): Float32Array | Uint16Array {
  const hidden = (i: number): boolean => i % tokens > Math.floor(i / tokens);
  const length = tokens * tokens;
  if (dtype === 'f32') return Float32Array.from({ length }, (_, i) => (hidden(i) ? -1e4 : 0));
  return Uint16Array.from({ length }, (_, i) => (hidden(i) ? 0xf0e2 : 0)); // −1e4 in half precision
}
