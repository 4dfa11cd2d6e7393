import type { Program, RunOptions } from '@pleinair/tensor';
import type { TiledDecoder } from './decoder-graph.js';
import { runBands } from './run-bands.js';

/**
 * Runs a decode in bands whose `latents` are written; `rgba` can be read after it. A signal takes effect within a band.
 *
 * @param program - The compiled graph of `decoder`, all its weights ready.
 * @param options.onSlice - Told runs of segments done, such as one band of one pass.
 * @throws CancelledError, DeviceLostError
 */
export async function runTiledDecoder(
  program: Program,
  decoder: Pick<TiledDecoder, 'steps'>,
  options: RunOptions = {},
): Promise<void> {
  await runBands(program, decoder.steps, options);
}
