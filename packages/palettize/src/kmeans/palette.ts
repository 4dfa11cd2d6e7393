import { paletteSize } from '@pleinair/weights';
import { fromHalfBits, throwIfCancelled, toHalfBits, type PaletteBits } from '@pleinair/tensor';

import type { ClusterSolver } from '../workers/solver.js';
import type { Distribution } from './histogram.js';

/** The values that a tensor, or a group of its output channels, is made of once palettized. */
export interface Palette {
  readonly bits: PaletteBits;
  /** Half bits, ascending by value; where fewer are needed the last one is repeated. `[2^bits]` */
  readonly entries: Uint16Array<ArrayBuffer>;
  /** How many entries differ. */
  readonly used: number;
  /** Σ importance · (weight − entry)², entries as rounded; where no importance was given each weight counts 1. */
  readonly error: number;
}

/** Options of {@link makePalettes}. */
export interface MakePalettesOptions {
  /** Does the clustering, here or on workers; the palettes are the same. */
  readonly solver: ClusterSolver;
  readonly signal?: AbortSignal;
}

/**
 * The best palettes of some widths for a distribution: exact weighted k-means over its values, the means rounded to fp16.
 * Where there are no more than 2^bits values, they are the palette and nothing is lost. Values of no importance shape no
 * palette (unless all are), but are still given an entry, the nearest.
 *
 * @param distribution - At least one value.
 * @returns One palette for each width, in the order asked.
 * @throws `CancelledError`; `PalettizeError` `palettize/worker`.
 */
export async function makePalettes(
  distribution: Distribution,
  widths: readonly PaletteBits[],
  { solver, signal }: MakePalettesOptions,
): Promise<Palette[]> {
  throwIfCancelled(signal, 'palettes');
  const { values, weights } = importantOnly(distribution);
  const found = await solver.cluster({ values, weights, counts: widths.map(paletteSize) }, signal);
  return widths.map((bits, i) => roundedPalette(bits, distribution, values, weights, found[i]!));
}

/** What palettes are shaped by: values of some importance, or all of them where none has any. */
function importantOnly({ values, counts, importance }: Distribution): {
  values: Float64Array<ArrayBuffer>;
  weights: Float64Array<ArrayBuffer>;
} {
  const some = importance?.some((each) => each > 0);
  if (!importance || !some) return { values, weights: counts };
  return {
    values: values.filter((_, i) => importance[i]! > 0),
    weights: importance.filter((each) => each > 0),
  };
}

function roundedPalette(
  bits: PaletteBits,
  distribution: Distribution,
  values: Float64Array<ArrayBuffer>,
  weights: Float64Array<ArrayBuffer>,
  ends: readonly number[],
): Palette {
  const halves: number[] = [];
  let start = 0;
  for (const end of ends) {
    const half = toHalfBits(meanOf(values, weights, start, end));
    const entry = half === 0x8000 ? 0 : half;
    // Neighbouring means may round to one half.
    if (halves.at(-1) !== entry) halves.push(entry);
    start = end;
  }
  const entries = new Uint16Array(paletteSize(bits)).fill(halves.at(-1)!);
  entries.set(halves);
  return { bits, entries, used: halves.length, error: errorOf(distribution, halves.map(fromHalfBits)) };
}

/** About the run's first value, so that the mean of equal or near values is exact or near. */
function meanOf(values: Float64Array, weights: Float64Array, start: number, end: number): number {
  const origin = values[start]!;
  let sum = 0;
  let weight = 0;
  for (let i = start; i < end; i++) {
    sum += weights[i]! * (values[i]! - origin);
    weight += weights[i]!;
  }
  return origin + sum / weight;
}

function errorOf({ values, counts, importance }: Distribution, entries: readonly number[]): number {
  const weights = importance ?? counts;
  let error = 0;
  let nearest = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    while (nearest + 1 < entries.length && isNearer(value, entries[nearest]!, entries[nearest + 1]!)) nearest++;
    error += weights[i]! * (value - entries[nearest]!) ** 2;
  }
  return error;
}

/** True when `value` lies nearer to `high` than to `low`. Exact for halves; a tie goes to `low`. */
export function isNearer(value: number, low: number, high: number): boolean {
  return high - value < value - low;
}
