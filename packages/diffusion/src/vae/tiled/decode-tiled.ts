import type { Program, RunOptions } from '@pleinair/tensor';
import { tiledDecoderSegments, type TiledDecoder } from './decoder-graph.js';
import { runBands } from './run-bands.js';

/**
 * Runs a decode in bands whose `latents` are written; `rgba` can be read after it. A signal takes effect within a band.
 *
 * @param program - The compiled graph of `decoder`, all its weights ready.
 * @param options.onSlice - Told bands done, of all passes together.
 * @throws CancelledError, DeviceLostError
 */
export async function runTiledDecoder(
  program: Program,
  decoder: Pick<TiledDecoder, 'bands'>,
  options: RunOptions = {},
): Promise<void> {
  await runBands(program, tiledDecoderSegments, decoder.bands, options);
}
