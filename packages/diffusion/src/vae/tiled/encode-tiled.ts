import type { Program, RunOptions } from '@pleinair/tensor';
import { tiledEncoderSegments, type TiledEncoder } from './encoder-graph.js';
import { runBands } from './run-bands.js';

/**
 * Runs an encode in bands whose `image` is written; `moments` can be read after it. A signal takes effect within a band.
 *
 * @param program - The compiled graph of `encoder`, all its weights ready.
 * @param options.onSlice - Told bands done, of all passes together.
 * @throws CancelledError, DeviceLostError
 */
export async function runTiledEncoder(
  program: Program,
  encoder: Pick<TiledEncoder, 'bands'>,
  options: RunOptions = {},
): Promise<void> {
  await runBands(program, tiledEncoderSegments, encoder.bands, options);
}
