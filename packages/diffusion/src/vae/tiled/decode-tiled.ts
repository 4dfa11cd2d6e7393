import type { Program, RunOptions } from '@pleinair/tensor';
import { tiledDecoderSegments, type TiledDecoder } from './decoder-graph.js';

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
  const { signal, onSlice } = options;
  const total = tiledDecoderSegments.reduce((sum, { byBands }) => sum + (byBands ? decoder.bands : 1), 0);
  let done = 0;
  for (const { name, byBands } of tiledDecoderSegments) {
    for (let band = 0; band < (byBands ? decoder.bands : 1); band++) {
      program.write('band', Uint32Array.of(band));
      await program.run(name, { signal });
      onSlice?.({ done: ++done, total });
    }
  }
}
