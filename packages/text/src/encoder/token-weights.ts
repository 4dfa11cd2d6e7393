/**
 * Weighs the hidden states of one chunk by its tokens' weights, as AUTOMATIC1111's web UI does under "Original" emphasis:
 * every token's row is multiplied by its weight, then all are multiplied by one number that brings the mean of the whole
 * back to what it was. The pooled output stays as it is.
 *
 * @param states - `[tokens, width]`. Returned as they are, bit for bit, where every weight is 1.
 * @param weights - `[tokens]`, 1 for begin, end and padding.
 */
export function weighStates(states: Float32Array, weights: Float32Array): Float32Array {
  if (weights.every((weight) => weight === 1)) return states;
  const width = states.length / weights.length;
  const weighed = states.map((value, i) => value * weights[Math.floor(i / width)]!);
  const restored = mean(states) / mean(weighed);
  // A mean of nothing cannot be brought back.
  return Number.isFinite(restored) ? weighed.map((value) => value * restored) : weighed;
}

function mean(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
