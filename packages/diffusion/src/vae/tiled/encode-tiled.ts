import type { Program } from '@pleinair/tensor';
import type { TiledEncoder } from './encoder-graph.js';
import { runBands, type RunBandsOptions } from './run-bands.js';

/**
 * Runs an encode in bands whose `image` is written; `moments` can be read after it. A signal takes effect within a band.
 *
 * @param program - The compiled graph of `encoder`, all its weights ready.
 * @param options.onSlice - Told runs of segments done, such as one band of one pass.
 * @param options.before - Called before each segment, e.g. to make its weights ready.
 * @throws CancelledError, DeviceLostError
 */
export async function runTiledEncoder(
  program: Program,
  encoder: Pick<TiledEncoder, 'steps'>,
  options: RunBandsOptions = {},
): Promise<void> {
  await runBands(program, encoder.steps, options);
}
