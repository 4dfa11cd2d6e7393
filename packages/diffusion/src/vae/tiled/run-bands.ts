import type { Program, RunOptions } from '@pleinair/tensor';

/** One run of a segment of a graph that works in bands. */
export interface BandStep {
  readonly segment: string;
  /** Written to `band` before it runs. */
  readonly band: number;
  /** Written to `chunk`, where the segment takes part of a picture for each band. */
  readonly chunk?: number;
}

/** How steps are run. */
export interface RunBandsOptions extends RunOptions {
  /** Called before the first step of each run of steps of one segment, e.g. to make its weights ready. */
  readonly before?: (segment: string) => Promise<void>;
}

/**
 * Runs segments step by step. A signal takes effect within a step.
 *
 * @param options.onSlice - Told steps done.
 * @throws CancelledError, DeviceLostError
 */
export async function runBands(
  program: Program,
  steps: readonly BandStep[],
  options: RunBandsOptions = {},
): Promise<void> {
  const { signal, onSlice, before } = options;
  let last: string | undefined;
  for (const [i, { segment, band, chunk }] of steps.entries()) {
    if (segment !== last) await before?.(segment);
    last = segment;
    program.write('band', Uint32Array.of(band));
    if (chunk !== undefined) program.write('chunk', Uint32Array.of(chunk));
    await program.run(segment, { signal });
    onSlice?.({ done: i + 1, total: steps.length });
  }
}

/** The steps that run a segment once a band. */
export function bandSteps(segment: string, bands: number): readonly BandStep[] {
  return Array.from({ length: bands }, (_, band) => ({ segment, band }));
}
