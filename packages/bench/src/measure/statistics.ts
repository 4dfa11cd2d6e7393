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

/**
 * How far apart the rounds' own slopes lie: the range of their middle half, relative to `ms`. Small where the machine was
 * left alone; as large as the time itself where noise hid the work.
 */
export function slopeSpread(short: ChainTimes, long: ChainTimes, ms: number): number {
  const links = long.length - short.length;
  const slopes = long.times.map((time, i) => (time - short.times[i]!) / links).sort((a, b) => a - b);
  return Math.abs((quantile(slopes, 0.75) - quantile(slopes, 0.25)) / ms);
}

/** A quantile of sorted values, between two of them where it falls there. */
function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return low + (high - low) * (at - Math.floor(at));
}
