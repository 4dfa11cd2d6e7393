import { columnsOf, type StoredPaletteForm } from '@pleinair/weights';
import type { Palette } from '../kmeans/palette.js';
import type { ErrorFeedback } from './error-feedback.js';

/** A tensor's palettes, one a group of outputs. */
export interface PalettesOfRows {
  readonly form: Pick<StoredPaletteForm, 'group' | 'shape'>;
  readonly palettes: readonly Palette[];
}

/**
 * Gives rows of a tensor the entries of their groups' palettes by error feedback.
 *
 * @param halves - Half bits, `[rows, columns]`; entries afterwards.
 * @param firstRow - Their first in the tensor.
 * @returns `Σ δᵀ E[x xᵀ] δ`.
 */
export function feedRows(
  feedback: ErrorFeedback,
  halves: Uint16Array,
  { form, palettes }: PalettesOfRows,
  firstRow: number,
): number {
  const columns = columnsOf(form.shape);
  const end = firstRow + halves.length / columns;
  const perGroup = form.group || form.shape[0]!;
  let error = 0;
  for (let row = firstRow; row < end;) {
    const group = Math.floor(row / perGroup);
    const next = Math.min(end, (group + 1) * perGroup);
    error += feedback.feed(halves.subarray((row - firstRow) * columns, (next - firstRow) * columns), palettes[group]!);
    row = next;
  }
  return error;
}
