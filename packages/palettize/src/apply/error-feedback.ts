import { fromHalfBits } from '@pleinair/tensor';
import type { Palette } from '../kmeans/palette.js';

/** What is known of a layer's inputs `x`: `E[x xᵀ] ≈ diag(rest) + Σ direction · directionᵀ`. */
export interface InputMoments {
  /** What the directions leave of each column's mean square, damping included; above zero. `[K]` */
  readonly rest: Float64Array;
  /** The strongest directions, scaled; any sign. Each `[K]` */
  readonly directions: readonly Float64Array[];
}

/** Mean square of each column, damping included: how much an error of a weight in it counts, seen alone. `[K]` */
export function powerOf({ rest, directions }: InputMoments): Float64Array<ArrayBuffer> {
  const power = Float64Array.from(rest);
  for (const along of directions) for (let k = 0; k < power.length; k++) power[k]! += along[k]! ** 2;
  return power;
}

/** Times that each output's weights are gone through; more change little. */
const sweeps = 2;

/**
 * Gives a layer's weights the entries of palettes that disturb its output little, where inputs are known: not each the
 * nearest, but so that the errors δ of an output's weights cancel in what its inputs are like. From the nearest entries on,
 * one weight after another takes the entry that makes `δᵀ E[x xᵀ] δ` least, given the others, so that it never grows.
 * Outputs do not see one another: pieces of a tensor may come in any order.
 */
export class ErrorFeedback {
  private readonly rest: Float64Array;
  private readonly power: Float64Array;
  /** Columns in the order in which they choose: those that matter most first. */
  private readonly order: Uint32Array;
  private readonly rank: number;
  /** The directions' numbers of a column side by side. `[K, rank]` */
  private readonly directions: Float64Array;

  constructor(moments: InputMoments) {
    const columns = moments.rest.length;
    this.rest = moments.rest;
    this.power = powerOf(moments);
    this.order = Uint32Array.from(moments.rest.keys()).sort((a, b) => this.power[b]! - this.power[a]! || a - b);
    this.rank = moments.directions.length;
    this.directions = new Float64Array(columns * this.rank);
    moments.directions.forEach((along, r) => {
      for (let k = 0; k < columns; k++) this.directions[k * this.rank + r] = along[k]!;
    });
  }

  /**
   * @param halves - Whole rows, half bits in the checkpoint's order, `[rows, K]`; entries of the palette afterwards.
   * @returns `Σ δᵀ E[x xᵀ] δ` over the rows.
   */
  feed(halves: Uint16Array, { entries, used }: Pick<Palette, 'entries' | 'used'>): number {
    const { rest, power, order, rank, directions } = this;
    const columns = rest.length;
    const values = Float64Array.from(entries.subarray(0, used), fromHalfBits);
    const weights = new Float64Array(columns);
    const errors = new Float64Array(columns);
    const along = new Float64Array(rank);
    const chosen = new Uint16Array(columns);
    let total = 0;
    for (let row = 0; row < halves.length; row += columns) {
      along.fill(0);
      for (let k = 0; k < columns; k++) {
        const weight = fromHalfBits(halves[row + k]!);
        weights[k] = weight;
        chosen[k] = nearest(values, weight);
        const error = values[chosen[k]!]! - weight;
        errors[k] = error;
        for (let r = 0, at = k * rank; r < rank; r++, at++) along[r]! += directions[at]! * error;
      }
      for (let sweep = 0; sweep < (rank > 0 ? sweeps : 0); sweep++) {
        for (const k of order) {
          const from = k * rank;
          const before = errors[k]!;
          // What the other weights' errors ask of this one: its own part is taken off again.
          let pull = (rest[k]! - power[k]!) * before;
          for (let r = 0; r < rank; r++) pull += directions[from + r]! * along[r]!;
          const index = nearest(values, weights[k]! - pull / power[k]!);
          if (index === chosen[k]) continue;
          const error = values[index]! - weights[k]!;
          for (let r = 0; r < rank; r++) along[r]! += directions[from + r]! * (error - before);
          errors[k] = error;
          chosen[k] = index;
        }
      }
      for (let r = 0; r < rank; r++) total += along[r]! ** 2;
      for (let k = 0; k < columns; k++) {
        total += rest[k]! * errors[k]! ** 2;
        halves[row + k] = entries[chosen[k]!]!;
      }
    }
    return total;
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
