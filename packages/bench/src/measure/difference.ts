/** Root mean square of the difference, relative to that of the second. */
export function relativeDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) {
    throw new RangeError(`difference: expected as many numbers on both sides, got ${a.length} and ${b.length}.`);
  }
  let error = 0;
  let size = 0;
  for (let i = 0; i < a.length; i++) {
    error += (a[i]! - b[i]!) ** 2;
    size += b[i]! ** 2;
  }
  return Math.sqrt(error / size);
}

/** Beyond this the two engines do not compute the same thing, and their times mean nothing. */
const tolerated = { f32: 1e-3, f16: 3e-2 } as const;

/** Whether two engines' outputs are the same up to rounding. */
export function isSame(difference: number, dtype: 'f32' | 'f16'): boolean {
  return difference <= tolerated[dtype];
}

/** Throws when two engines' outputs differ by more than rounding. */
export function expectSame(what: string, difference: number, dtype: 'f32' | 'f16'): void {
  if (isSame(difference, dtype)) return;
  throw new Error(
    `${what}: expected both engines' outputs to differ by at most ${tolerated[dtype]}, got ${difference}. ` +
      'One of the two computes something else.',
  );
}
