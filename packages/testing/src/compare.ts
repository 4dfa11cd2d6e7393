import type { DType } from '@pleinair/tensor';

/** What a tolerance follows from. */
export interface Accuracy {
  /** Storage of the result: sets the rounding of each value. */
  readonly dtype: DType;
  /** Numbers summed for each value (K of a product, taps × channels of a convolution); 1 for elementwise work. */
  readonly reductionLength: number;
  /** Largest magnitude of one summand; defaults to the largest expected value over √length, but at least 1. */
  readonly termScale?: number;
}

/**
 * The error a correct kernel may make, as in WebGPU's conformance tests: from the arithmetic, not from what was seen.
 * Sums of n terms in f32, in any order, stray by about √n rounding steps of the terms' size; 8 of them are allowed, so
 * that functions like exp (a few ulp in WGSL) fit in. Storing rounds once more to the result's dtype.
 */
export function tolerance(expected: ArrayLike<number>, { dtype, reductionLength, termScale }: Accuracy): number {
  if (dtype === 'u32' || dtype === 'i32') return 0;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) largest = Math.max(largest, Math.abs(expected[i]!));
  const n = Math.max(1, reductionLength);
  const term = termScale ?? Math.max(1, largest / Math.sqrt(n));
  const summing = 8 * Math.sqrt(n) * term * 2 ** -24;
  const storing = dtype === 'f16' ? Math.max(largest, 2 ** -14) * 2 ** -11 : largest * 2 ** -24;
  return summing + 2 * storing;
}

/**
 * Throws unless every value is within {@link tolerance}. Says how many are not, and where the worst is.
 *
 * @param actual - What the kernel gave.
 * @param expected - The reference, computed in float64 from the inputs the kernel really read (halves, if it read halves).
 */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, accuracy: Accuracy): void {
  if (actual.length !== expected.length) {
    throw new Error(`expectClose: expected ${expected.length} values, got ${actual.length}.`);
  }
  const allowed = tolerance(expected, accuracy);
  let worst = -1;
  let worstError = 0;
  let bad = 0;
  for (let i = 0; i < expected.length; i++) {
    const a = actual[i]!;
    const e = expected[i]!;
    const error = Object.is(a, e) || a === e ? 0 : Math.abs(a - e);
    if (error <= allowed) continue;
    bad++;
    if (worst < 0 || !(error <= worstError)) {
      worst = i;
      worstError = error;
    }
  }
  if (bad > 0) {
    throw new Error(
      `expectClose: ${bad} of ${expected.length} values stray by more than ${allowed.toExponential(2)}; ` +
        `the worst at ${worst}: expected ${expected[worst]}, got ${actual[worst]}.`,
    );
  }
}

/** √(Σ(a−e)² / Σe²): the relative error of a whole array. NaN in either gives NaN, which is under no limit. */
export function relativeRms(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) {
    throw new Error(`relativeRms: expected ${expected.length} values, got ${actual.length}.`);
  }
  let error = 0;
  let size = 0;
  for (let i = 0; i < expected.length; i++) {
    error += (actual[i]! - expected[i]!) ** 2;
    size += expected[i]! ** 2;
  }
  return size === 0 ? Math.sqrt(error) : Math.sqrt(error / size);
}
