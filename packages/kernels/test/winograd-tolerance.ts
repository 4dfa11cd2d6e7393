import { tolerance } from '@pleinair/testing';
import { winogradTransforms, type TileSize } from '../src/conv2d/winograd/cook-toom.js';

/**
 * What a convolution by Winograd's algorithm may be off: the direct kernel's tolerance, its sums' rounding enlarged as the
 * algorithm does; where transformed values are kept in halves, their roundings as well: root mean square, six times.
 */
export function winogradTolerance(
  expected: ArrayLike<number>,
  { dtype, reductionLength, m }: { dtype: 'f16' | 'f32'; reductionLength: number; m: TileSize },
): number {
  const { amplification } = winogradTransforms(m);
  const direct = tolerance(expected, { dtype, reductionLength, termScale: 2 * amplification });
  if (dtype === 'f32') return direct;
  const roundings = { 2: 3, 4: 1, 6: 0, 8: 0 }[m];
  const rms = Math.sqrt(Array.from(expected).reduce((sum, v) => sum + v * v, 0) / expected.length);
  return direct + 6 * amplification * Math.sqrt(roundings) * (2 ** -11 / Math.sqrt(3)) * rms;
}

/** The largest absolute difference; not a number where one is. */
export function worstError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return NaN;
  let most = 0;
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!);
    if (!(error <= most)) most = error;
  }
  return most;
}
