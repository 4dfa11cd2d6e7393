import type { Program, RunOptions } from '@pleinair/tensor';

/** A segment of a graph that works in bands; `byBands` runs once a band, the others once. */
export interface BandSegment {
  readonly name: string;
  readonly byBands: boolean;
}

/**
 * Runs segments in their order, those by bands once for each, its number written to `band`. A signal takes effect within a
 * band.
 *
 * @param options.onSlice - Told runs done, of all segments together.
 * @throws CancelledError, DeviceLostError
 */
export async function runBands(
  program: Program,
  segments: readonly BandSegment[],
  bands: number,
  options: RunOptions = {},
): Promise<void> {
  const { signal, onSlice } = options;
  const total = segments.reduce((sum, { byBands }) => sum + (byBands ? bands : 1), 0);
  let done = 0;
  for (const { name, byBands } of segments) {
    for (let band = 0; band < (byBands ? bands : 1); band++) {
      program.write('band', Uint32Array.of(band));
      await program.run(name, { signal });
      onSlice?.({ done: ++done, total });
    }
  }
}
