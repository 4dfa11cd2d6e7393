import type { DType } from '@pleinair/tensor';

/** Where transformed values are kept between the passes. */
export interface WinogradStorage {
  /** Transformed inputs. */
  readonly points: 'f16' | 'f32';
  /** Transformed weights, where they exist. */
  readonly filters: 'f16' | 'f32';
  /** Their products, summed over channels. */
  readonly products: 'f16' | 'f32';
}

/**
 * Most that roundings of transformed values to halves may be enlarged, root of the sum of squares, at the worst output. One
 * rounding under F(4, 3), enlarged 7 times, leaves an error of some 0.0015 of the outputs' root mean square there, about
 * five times that of storing the output itself; one under F(6, 3), enlarged 46 times, would leave 0.01.
 */
const mostAmplification = 8;

/**
 * Chooses what may be kept in halves: as many roundings as {@link mostAmplification} allows, those first that save most
 * memory for longest: weights, then inputs, then products. So F(2, 3) keeps all in halves, F(4, 3) one of them, F(6, 3)
 * none. Activations in f32 keep everything in f32.
 *
 * @param amplification - Of one rounding, `WinogradTransforms.amplification`.
 * @param filters - `f16` or `f32` where the form has to keep them so, `any` where it may choose, `none` where they never
 *   exist.
 * @returns Nothing when the form's own rounding is too much already.
 */
export function winogradStorage(
  amplification: number,
  activations: DType,
  filters: 'f16' | 'f32' | 'any' | 'none',
): WinogradStorage | undefined {
  let roundings = activations === 'f16' ? Math.floor((mostAmplification / amplification) ** 2) : 0;
  if (filters === 'f16' && roundings === 0) return undefined;
  const spend = (wanted: boolean): 'f16' | 'f32' => {
    if (!wanted || roundings === 0) return 'f32';
    roundings--;
    return 'f16';
  };
  const storedFilters = spend(filters === 'f16' || filters === 'any');
  return { filters: storedFilters, points: spend(true), products: spend(true) };
}
