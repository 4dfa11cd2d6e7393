/** Sizes and operands of {@link attentionReference}, dense and in any number type. */
export interface AttentionReferenceInput {
  /** `[batch, queries, heads·headDim]`. */
  readonly q: ArrayLike<number>;
  /** `[batch, keys, heads·headDim]`. */
  readonly k: ArrayLike<number>;
  readonly v: ArrayLike<number>;
  readonly batch: number;
  readonly queries: number;
  readonly keys: number;
  readonly heads: number;
  readonly headDim: number;
  /** @defaultValue 1/√headDim */
  readonly scale?: number;
  readonly causal?: boolean;
}

/** softmax(q·kᵀ·scale)·v of every head in float64. */
export function attentionReference(input: AttentionReferenceInput): Float64Array {
  const { q, k, v, batch, queries, keys, heads, headDim, causal } = input;
  const scale = input.scale ?? 1 / Math.sqrt(headDim);
  const width = heads * headDim;
  const out = new Float64Array(batch * queries * width);
  const scores = new Float64Array(keys);
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < queries; i++) {
        const qAt = (b * queries + i) * width + h * headDim;
        const seen = causal ? Math.min(i + 1, keys) : keys;
        let top = -Infinity;
        for (let j = 0; j < seen; j++) {
          const kAt = (b * keys + j) * width + h * headDim;
          let sum = 0;
          for (let c = 0; c < headDim; c++) sum += q[qAt + c]! * k[kAt + c]!;
          scores[j] = sum * scale;
          top = Math.max(top, scores[j]!);
        }
        let total = 0;
        for (let j = 0; j < seen; j++) total += scores[j] = Math.exp(scores[j]! - top);
        for (let j = 0; j < seen; j++) {
          const vAt = (b * keys + j) * width + h * headDim;
          for (let c = 0; c < headDim; c++) out[qAt + c]! += (scores[j]! / total) * v[vAt + c]!;
        }
      }
    }
  }
  return out;
}
