import { fromHalfBits } from '@pleinair/tensor';
import type { Palette } from '../kmeans/palette.js';

/** What is known of a layer's inputs `x`: `E[x xᵀ] ≈ diag(rest) + Σ direction · directionᵀ`. All 0 or more, or any sign. */
export interface InputMoments {
  /** What the directions leave of each column's mean square, damping included; above zero. `[K]` */
  readonly rest: Float64Array;
  /** The strongest directions, scaled. Each `[K]` */
  readonly directions: readonly Float64Array[];
}

/** Times that each output's weights are gone through; more change little. */
const sweeps = 2;

/**
 * Gives weights the entries of a palette that disturb their layer's output little, where inputs are known: not each the
 * nearest, but so that the errors δ of an output's weights cancel in what its inputs are like. From the nearest entries on,
 * one weight after another takes the entry that makes `δᵀ E[x xᵀ] δ` least, given the others, so that it never grows.
 *
 * @param halves - Whole rows, half bits in the checkpoint's order, `[rows, K]`; entries of the palette afterwards.
 */
export function feedErrorsBack(
  halves: Uint16Array,
  { entries, used }: Pick<Palette, 'entries' | 'used'>,
  { rest, directions }: InputMoments,
): void {
  const columns = rest.length;
  const values = Float64Array.from(entries.subarray(0, used), fromHalfBits);
  const power = rest.map((each, k) => directions.reduce((sum, along) => sum + along[k]! ** 2, each));
  const order = Uint32Array.from(power.keys()).sort((a, b) => power[b]! - power[a]! || a - b);
  const errors = new Float64Array(columns);
  const along = new Float64Array(directions.length);
  const chosen = new Uint16Array(columns);
  for (let row = 0; row < halves.length; row += columns) {
    const weights = Float64Array.from(halves.subarray(row, row + columns), fromHalfBits);
    along.fill(0);
    for (let k = 0; k < columns; k++) {
      chosen[k] = nearest(values, weights[k]!);
      errors[k] = values[chosen[k]!]! - weights[k]!;
      directions.forEach((direction, r) => (along[r]! += direction[k]! * errors[k]!));
    }
    for (let sweep = 0; sweep < sweeps; sweep++) {
      for (const k of order) {
        let pull = 0;
        for (let r = 0; r < along.length; r++) {
          const u = directions[r]![k]!;
          pull += u * (along[r]! - u * errors[k]!);
        }
        const index = nearest(values, weights[k]! - pull / power[k]!);
        if (index === chosen[k]) continue;
        const error = values[index]! - weights[k]!;
        for (let r = 0; r < along.length; r++) along[r]! += directions[r]![k]! * (error - errors[k]!);
        errors[k] = error;
        chosen[k] = index;
      }
    }
    for (let k = 0; k < columns; k++) halves[row + k] = entries[chosen[k]!]!;
  }
}

/** The position of the nearest of ascending values; of two the lower. */
function nearest(values: Float64Array, wanted: number): number {
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (wanted - values[middle]! > values[middle + 1]! - wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
