import { SchedulerError } from '../errors.js';

/** A seed: a whole number, as a bigint where it is beyond 2^53. */
export type Seed = number | bigint;

const TWO_64 = 1n << 64n;

/**
 * A seed as torch takes it: 64 bits, negative ones counted down from 2^64 (so −1 is 2^64 − 1).
 *
 * @returns Low and high 32 bits.
 * @throws SchedulerError `random/argument` outside −2^63 … 2^64 − 1, or for numbers that are not whole.
 */
export function torchSeedWords(seed: Seed): [low: number, high: number] {
  const whole = wholeSeed(seed);
  if (whole < -(TWO_64 >> 1n) || whole >= TWO_64) {
    throw new SchedulerError(
      'random/argument',
      `seed: expected a whole number from -2^63 to 2^64 - 1, got ${seed}. torch takes no other.`,
    );
  }
  const bits = whole < 0n ? whole + TWO_64 : whole;
  return [Number(bits & 0xffffffffn), Number(bits >> 32n)];
}

/**
 * A seed as `np.random.seed` takes it: 32 bits.
 *
 * @throws SchedulerError `random/argument` outside 0 … 2^32 − 1.
 */
export function numpySeedWord(seed: Seed): number {
  const whole = wholeSeed(seed);
  if (whole < 0n || whole > 0xffffffffn) {
    throw new SchedulerError(
      'random/argument',
      `seed: expected a whole number from 0 to 4294967295, got ${seed}. numpy's RandomState takes no other; use the torch generator for larger seeds.`,
    );
  }
  return Number(whole);
}

/** Checks how many values were asked for. */
export function checkCount(where: string, count: number): void {
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new SchedulerError(
      'random/argument',
      `${where}: expected a whole number of values, at least 0, got ${String(count)}. Pass the latents' length.`,
    );
  }
}

function wholeSeed(seed: Seed): bigint {
  if (typeof seed === 'bigint') return seed;
  if (!Number.isSafeInteger(seed)) {
    throw new SchedulerError(
      'random/argument',
      `seed: expected a whole number, got ${String(seed)}. Pass seeds beyond 2^53 as a bigint.`,
    );
  }
  return BigInt(seed);
}
