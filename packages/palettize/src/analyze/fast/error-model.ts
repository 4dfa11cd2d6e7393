import type { LayerBits } from '../../bits.js';
import { layerStoredBits } from '../../recipe/average-bits.js';
import type { Candidate } from '../../recipe/candidates.js';
import type { Choice } from './allocate.js';

/** A way to store a layer, by its width. */
export interface WidthChoice extends Choice {
  readonly bits: LayerBits;
}

/**
 * Error power of an output relative to its peak, averaged over prompts, from PSNR in dB: `mean(10^(−psnr / 10))`. Errors of
 * layers palettized together add up in it as long as they are small and unrelated.
 */
export function errorOfPsnr(psnrs: readonly number[]): number {
  return psnrs.reduce((sum, psnr) => sum + 10 ** (-psnr / 10), 0) / psnrs.length;
}

/** What was measured of a layer, and what its widths do to its weights. */
export interface ProbedLayer extends Pick<Candidate, 'shape' | 'weights'> {
  /** The output's error with the layer alone at the width that was tried, see {@link errorOfPsnr}. */
  readonly measured: number;
  /** The squared error of its weights at that width. */
  readonly tried: number;
  /** The squared error of its weights at each width there is to choose. */
  readonly weightErrors: ReadonlyMap<LayerBits, number>;
}

/**
 * The ways to store each layer and what each is expected to do to the model's output: its error at one width was measured,
 * and at others changes as the squared error of the layer's weights does. Of a layer that the width tried did not change
 * nothing was learnt; it is taken to be as sensitive as the most sensitive other.
 *
 * @param group - Output channels that share a palette; 0 where one serves all.
 */
export function choicesOf(layers: readonly ProbedLayer[], group = 0): WidthChoice[][] {
  const sensitivity = layers.map(({ measured, tried }) => (tried > 0 ? measured / tried : 0));
  const most = Math.max(...sensitivity);
  return layers.map((layer, i) =>
    [...layer.weightErrors].map(([bits, error]) => ({
      bits,
      stored: layerStoredBits(layer, bits, group),
      error: error * (layer.tried > 0 ? sensitivity[i]! : most),
    })),
  );
}
