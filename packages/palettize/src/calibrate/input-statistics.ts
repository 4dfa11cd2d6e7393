import { PalettizeError } from '../errors.js';
import type { InputMoments } from '../apply/error-feedback.js';
import { cholesky, eigenvectors } from './symmetric.js';

/** Directions that are kept of a layer's inputs. */
const keptDirections = 64;

/** Random directions that inputs are projected on; the more beyond those kept, the nearer these are to the strongest. */
const projections = 128;

/**
 * Part of the mean of all columns' mean squares that is added to each: weights that calibration saw no use for would else
 * take up errors without bound, and harm as soon as other layers' errors change the inputs.
 */
const damping = 0.1;

/** Added to the sketch's diagonal, over the trace, for rounding; taken off again. */
const shift = 1e-10;

/** All that {@link InputStatistics} knows of the rows so far. */
export interface InputSums {
  /** Σ weight · x², by column. `[K]` */
  readonly squares: Float64Array<ArrayBuffer>;
  /** Σ weight · x (Ωᵀ x)ᵀ. `[K · projections]` */
  readonly sketch: Float64Array<ArrayBuffer>;
  readonly weight: number;
}

/**
 * Gathers what a layer's inputs are like, row after row, in memory of some 130 numbers a column however many rows there are.
 *
 * Mean squares are exact. The strongest directions come of one pass: with `Ω` a matrix of random signs, `Y = H Ω` is summed
 * up for `H = E[x xᵀ]`, and `H ≈ Y (Ωᵀ Y)⁻¹ Yᵀ`, which is never more than `H` in any direction (Tropp, Yurtsever, Udell,
 * Cevher 2017, "Fixed-rank approximation of a positive-semidefinite matrix from streaming data", algorithm 3). The signs
 * depend on the column alone: equal rows give equal moments.
 */
export class InputStatistics {
  private readonly squares: Float64Array<ArrayBuffer>;
  private readonly sketch: Float64Array<ArrayBuffer>;
  /** Ω; of few columns none, where it is the identity. */
  private readonly signs: Float64Array<ArrayBuffer> | undefined;
  private readonly projected: Float64Array<ArrayBuffer>;
  private weight: number;
  private readonly count: number;

  /**
   * @param name - The layer's, for messages.
   * @param columns - Numbers of a row, K.
   * @param from - Goes on from these, of as many columns, and changes them. Default: no rows.
   */
  constructor(
    private readonly name: string,
    readonly columns: number,
    from?: InputSums,
  ) {
    const exact = columns <= projections;
    this.count = exact ? columns : projections;
    this.squares = from?.squares ?? new Float64Array(columns);
    this.sketch = from?.sketch ?? new Float64Array(columns * this.count);
    this.weight = from?.weight ?? 0;
    this.signs = exact ? undefined : randomSigns(columns * this.count);
    this.projected = new Float64Array(this.count);
  }

  /**
   * Adds a row of inputs.
   *
   * @param row - `[K]`
   * @param weight - How much it counts, above zero.
   * @throws `PalettizeError` `palettize/not-finite`; `palettize/invalid-argument` for a row of another length.
   */
  add(row: ArrayLike<number>, weight = 1): void {
    const { columns, count, squares, sketch, signs, projected } = this;
    if (row.length !== columns) {
      throw new PalettizeError(
        'palettize/invalid-argument',
        `${this.name}: expected inputs of ${columns} columns, got ${row.length}. Give rows as the layer multiplies them.`,
      );
    }
    if (signs) {
      projected.fill(0);
      for (let k = 0, at = 0; k < columns; k++) {
        const x = row[k]!;
        for (let r = 0; r < count; r++, at++) projected[r]! += signs[at]! * x;
      }
    } else {
      for (let k = 0; k < columns; k++) projected[k] = row[k]!;
    }
    if (!projected.every(Number.isFinite)) {
      throw new PalettizeError(
        'palettize/not-finite',
        `${this.name}: expected finite inputs, got infinities or NaN. The model overflows in fp16: use a checkpoint made for it.`,
      );
    }
    for (let k = 0, at = 0; k < columns; k++) {
      const x = weight * row[k]!;
      squares[k]! += x * row[k]!;
      for (let r = 0; r < count; r++, at++) sketch[at]! += x * projected[r]!;
    }
    this.weight += weight;
  }

  /** What is known so far; the next row changes the arrays. */
  get sums(): InputSums {
    const { squares, sketch, weight } = this;
    return { squares, sketch, weight };
  }

  /**
   * The moments of all rows so far, rounded to f32 as they are kept in files. Inputs that were zero throughout, or none at
   * all, say nothing: every column then counts alike.
   */
  moments(): InputMoments {
    const { columns, squares, weight } = this;
    const trace = squares.reduce((sum, each) => sum + each, 0);
    if (!(trace > 0)) return { rest: new Float64Array(columns).fill(1), directions: [] };
    const directions = this.directions(trace);
    const added = (damping * trace) / (weight * columns);
    const rest = squares.map((each, k) => {
      const left = directions.reduce((sum, along) => sum - along[k]! ** 2, each / weight);
      return Math.fround(Math.max(left, 0) + added);
    });
    return { rest, directions };
  }

  /** The strongest directions, each times the root of what its eigenvalue is above the {@link commonPower}. */
  private directions(trace: number): Float64Array<ArrayBuffer>[] {
    const { columns, count, sketch, weight } = this;
    const signs = this.signs ?? identity(columns);
    const added = shift * trace;
    const shifted = sketch.map((each, at) => each + added * signs[at]!); // Y = (H + shift) Ω
    const core = new Float64Array(count * count); // Ωᵀ Y
    for (let k = 0; k < columns; k++) {
      for (let i = 0; i < count; i++) {
        const sign = signs[k * count + i]!;
        for (let j = 0; j < count; j++) core[i * count + j]! += sign * shifted[k * count + j]!;
      }
    }
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < i; j++) {
        const middle = (core[i * count + j]! + core[j * count + i]!) / 2;
        core[i * count + j] = middle;
        core[j * count + i] = middle;
      }
    }
    const lower = cholesky(core, count);
    const gram = new Float64Array(count * count);
    for (let k = 0; k < columns; k++) {
      // Row k of E = Y L⁻ᵀ, in place; H + shift ≈ E Eᵀ.
      const from = k * count;
      for (let i = 0; i < count; i++) {
        let left = shifted[from + i]!;
        for (let j = 0; j < i; j++) left -= lower[i * count + j]! * shifted[from + j]!;
        shifted[from + i] = left / lower[i * count + i]!;
      }
      for (let i = 0; i < count; i++) {
        for (let j = 0; j < count; j++) gram[i * count + j]! += shifted[from + i]! * shifted[from + j]!;
      }
    }
    const { values, vectors } = eigenvectors(gram, count);
    const found: Float64Array<ArrayBuffer>[] = [];
    const kept = Math.min(keptDirections, count);
    const common = commonPower(values.slice(0, kept), trace, columns);
    for (let r = 0; r < kept; r++) {
      const value = values[r]!;
      const above = value - Math.max(added, common);
      // What is above the others by rounding only is no direction of the inputs.
      if (above <= 1e3 * added) break;
      const scale = Math.sqrt(above / (value * weight));
      const along = new Float64Array(columns);
      for (let k = 0; k < columns; k++) {
        let sum = 0;
        for (let i = 0; i < count; i++) sum += vectors[r]![i]! * shifted[k * count + i]!;
        along[k] = Math.fround(scale * sum);
      }
      found.push(along);
    }
    return found;
  }
}

/**
 * What directions that are not kept have on average. Only what the kept ones have beyond it says that columns go together:
 * of inputs alike in all directions any few are as good as others, and to make errors cancel in these would move them to
 * the rest (the noise term of probabilistic principal components, Tipping and Bishop 1999).
 */
function commonPower(kept: readonly number[], trace: number, columns: number): number {
  const left = kept.reduce((sum, value) => sum - value, trace);
  return columns > kept.length ? Math.max(0, left) / (columns - kept.length) : 0;
}

function identity(n: number): Float64Array<ArrayBuffer> {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) out[i * n + i] = 1;
  return out;
}

/** +1 or −1, by a hash of the position (the finaliser of MurmurHash3). */
function randomSigns(length: number): Float64Array<ArrayBuffer> {
  const signs = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    let h = (i + 1) | 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    signs[i] = (h ^ (h >>> 16)) & 1 ? 1 : -1;
  }
  return signs;
}
