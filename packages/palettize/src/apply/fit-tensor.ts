import { throwIfCancelled, type PaletteBits } from '@pleinair/tensor';
import { type ComponentEntry, columnsOf } from '@pleinair/weights';

import { ValueHistogram } from '../kmeans/histogram.js';
import { makePalettes, type Palette } from '../kmeans/palette.js';
import type { ProgressMeter } from '../progress.js';
import type { ClusterSolver } from '../workers/solver.js';
import { powerOf, type InputMoments } from './error-feedback.js';
import type { Limit } from './limit.js';
import { readRows } from './read-rows.js';

/** Options of {@link fitTensor} and `fitPalettes`. */
export interface FitOptions {
  readonly solver: ClusterSolver;
  readonly signal?: AbortSignal;
  /** Counts bytes as they are read. */
  readonly meter?: ProgressMeter;
  /**
   * How much a weight of each column counts, `[K]` or `[C·kh·kw]` in the checkpoint's order; undefined where all count
   * alike. A layer's mean squared inputs make its palettes least harmful to its output.
   */
  readonly importanceOf?: (tensor: string) => ArrayLike<number> | undefined;
  /**
   * What a layer's inputs are like, undefined where that is not known: its palettes are then the best for their mean
   * squares, whatever `importanceOf` says, and entries are chosen by error feedback.
   */
  readonly inputsOf?: (tensor: string) => InputMoments | undefined;
}

/**
 * The best palettes of a tensor, of some widths. Reads it once, and gives each group's values away to be clustered as soon
 * as they are complete.
 *
 * @param group - Output channels that share a palette; 0 where one serves all.
 * @param limit - How many clusterings may be under way; reading waits for them.
 * @returns When all is read. For each group its palettes, in the order of widths, once clustered.
 * @throws As `fitPalettes`.
 */
export async function fitTensor(
  entry: ComponentEntry,
  widths: readonly PaletteBits[],
  group: number,
  { solver, signal, meter, importanceOf, inputsOf }: FitOptions,
  limit: Limit,
): Promise<Promise<Palette[]>[]> {
  const inputs = inputsOf?.(entry.name);
  const importance = inputs ? powerOf(inputs) : importanceOf?.(entry.name);
  const outputs = entry.shape[0]!;
  const columns = columnsOf(entry.shape);
  const bytesOfWeight = (entry.end - entry.begin) / (outputs * columns);
  const rowsOfGroup = group === 0 ? outputs : group;
  const weighted = importance !== undefined;
  const palettes: Promise<Palette[]>[] = [];
  let histogram = new ValueHistogram(entry.name, { weighted });
  for await (const { firstRow, halves } of readRows(entry, signal)) {
    const end = firstRow + halves.length / columns;
    for (let row = firstRow; row < end;) {
      const next = Math.min(end, (Math.floor(row / rowsOfGroup) + 1) * rowsOfGroup);
      histogram.add(halves.subarray((row - firstRow) * columns, (next - firstRow) * columns), importance);
      row = next;
      if (row % rowsOfGroup !== 0 && row !== outputs) continue;
      const distribution = histogram.distribution();
      histogram = new ValueHistogram(entry.name, { weighted });
      await limit.enter();
      const made = makePalettes(distribution, widths, { solver, signal }).finally(() => limit.leave());
      made.catch(() => undefined); // looked at when all are awaited; until then not "unhandled"
      palettes.push(made);
    }
    meter?.add(bytesOfWeight * halves.length);
    throwIfCancelled(signal, entry.name);
  }
  return palettes;
}
