/**
 * The middle value; the mean of the middle two of an even number of values. Of none: NaN.
 */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The n-th root of a product of n positive numbers. Of none: NaN. */
export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** How long chains of one length took, run after run. */
export interface ChainTimes {
  /** Links in the chain. */
  readonly length: number;
  readonly times: readonly number[];
}

/**
 * What one link takes: the slope between the medians of a short and a long chain. Whatever does not depend on the length
 * (uploads, read-back, start-up, waiting) cancels.
 *
 * @throws RangeError When the chains are of one length.
 */
export function slope(short: ChainTimes, long: ChainTimes): number {
  if (short.length === long.length) {
    throw new RangeError(`slope: expected chains of two lengths, got ${short.length} twice. Make one longer.`);
  }
  return (median(long.times) - median(short.times)) / (long.length - short.length);
}
