import { fromHalfBits } from '@pleinair/tensor';
import { PalettizeError } from '../errors.js';
import { halfOfKey, keyCount } from './half-order.js';

/** Distinct values of a tensor (or of a group of its rows) and how much each of them counts. */
export interface Distribution {
  /** The values, ascending, each a half float. `[n]`, n ≤ 63,487. */
  readonly values: Float64Array<ArrayBuffer>;
  /** How many weights have each value. `[n]`, all above zero. */
  readonly counts: Float64Array<ArrayBuffer>;
  /** Σ of the importance of the weights that have each value; absent where all count alike. `[n]`, none below zero. */
  readonly importance?: Float64Array<ArrayBuffer>;
}

/**
 * Counts the values of half floats, and, where some weights matter more, adds up their importance. A tensor goes in
 * piece by piece; however large it is, this takes 0.8 MB (1.3 MB with importance).
 */
export class ValueHistogram {
  private readonly counts = new Uint32Array(65536);
  private readonly importance: Float64Array<ArrayBuffer> | undefined;

  /**
   * @param name - The tensor's, for messages.
   * @param options - `weighted`: every piece comes with importance.
   */
  constructor(
    private readonly name: string,
    options: { readonly weighted?: boolean } = {},
  ) {
    this.importance = options.weighted ? new Float64Array(65536) : undefined;
  }

  /**
   * Adds weights.
   *
   * @param halves - Their bits. For a weighted histogram whole rows, `[rows, columns]`.
   * @param columnImportance - `[columns]`, none below zero: how much a weight of each column counts, e.g. the mean square
   * of the activation it is multiplied with. Only for a weighted histogram.
   * @throws `PalettizeError` `palettize/invalid-argument`.
   */
  add(halves: Uint16Array, columnImportance?: ArrayLike<number>): void {
    const { counts, importance } = this;
    for (let i = 0; i < halves.length; i++) counts[halves[i]!]!++;
    if (!importance) {
      if (columnImportance) throw this.invalid('no importance, as the histogram is not weighted', 'some');
      return;
    }
    const columns = columnImportance?.length ?? 0;
    if (!columnImportance || columns === 0 || halves.length % columns !== 0) {
      throw this.invalid(`importance of columns that divide ${halves.length} weights`, `${columns} columns`);
    }
    for (let c = 0; c < columns; c++) {
      const each = columnImportance[c]!;
      if (!(each >= 0 && each < Infinity)) throw this.invalid('importance of 0 or more', `${each} at column ${c}`);
      if (each === 0) continue;
      for (let i = c; i < halves.length; i += columns) importance[halves[i]!]! += each;
    }
  }

  /**
   * The distinct values so far. −0 and 0 are one value, the positive one.
   *
   * @throws `PalettizeError` `palettize/not-finite` where a weight was infinite or not a number.
   */
  distribution(): Distribution {
    this.checkFinite();
    const { counts, importance } = this;
    if (counts[0x8000]! > 0) {
      counts[0]! += counts[0x8000]!;
      counts[0x8000] = 0;
      if (importance) {
        importance[0]! += importance[0x8000]!;
        importance[0x8000] = 0;
      }
    }
    // No callbacks: a tensor of many groups has its values listed for each.
    const halves = new Uint16Array(keyCount);
    let n = 0;
    for (let key = 0; key < keyCount; key++) {
      const half = halfOfKey(key);
      if (counts[half]! > 0) halves[n++] = half;
    }
    const values = new Float64Array(n);
    const countOf = new Float64Array(n);
    const importanceOf = importance ? new Float64Array(n) : undefined;
    for (let i = 0; i < n; i++) {
      const half = halves[i]!;
      values[i] = fromHalfBits(half);
      countOf[i] = counts[half]!;
      if (importance && importanceOf) importanceOf[i] = importance[half]!;
    }
    return { values, counts: countOf, ...(importanceOf ? { importance: importanceOf } : {}) };
  }

  private checkFinite(): void {
    for (const sign of [0, 0x8000]) {
      for (let bits = sign + 0x7c00; bits < sign + 0x8000; bits++) {
        if (this.counts[bits] === 0) continue;
        throw new PalettizeError(
          'palettize/not-finite',
          `${this.name}: expected finite weights, got ${fromHalfBits(bits)} (half bits 0x${bits.toString(16)}). ` +
            'Take an undamaged checkpoint, or one whose weights fit fp16.',
        );
      }
    }
  }

  private invalid(expected: string, got: string): PalettizeError {
    return new PalettizeError(
      'palettize/invalid-argument',
      `${this.name}: expected ${expected}, got ${got}. Check what is added to the histogram.`,
    );
  }
}
