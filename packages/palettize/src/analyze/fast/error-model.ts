import type { LayerBits } from '../../bits.js';
import { layerStoredBits } from '../../recipe/average-bits.js';
import type { Candidate } from '../../recipe/candidates.js';
import { mean, sum } from '../mean.js';
import type { Choice } from './allocate.js';

/** A way to store a layer, by its width. */
export interface WidthChoice extends Choice {
  readonly bits: LayerBits;
}

/** What was measured of a layer, and what its widths do to its weights. */
export interface ProbedLayer extends Pick<Candidate, 'shape' | 'weights'> {
  /** PSNR in dB of the model's output with the layer alone at the width that was tried, one a prompt. */
  readonly psnrs: readonly number[];
  /** The squared error of its weights at that width. */
  readonly tried: number;
  /** The squared error of its weights at each width there is to choose. */
  readonly weightErrors: ReadonlyMap<LayerBits, number>;
}

/**
 * The ways to store each layer and what each is expected to do to the model's output.
 *
 * The error measured at one width changes at others as the squared error of the layer's weights does. Errors of several
 * layers add up as powers, as long as they are small and unrelated. What counts is the mean of PSNR over prompts, to which
 * a prompt's errors matter relative to each other, not to those of other prompts: so each prompt's are divided by their
 * sum. Of a layer that the width tried did not change nothing was learnt; it is taken to be as sensitive as the most
 * sensitive other.
 *
 * @param layers - Of the same prompts each.
 * @param group - Output channels that share a palette; 0 where one serves all.
 */
export function choicesOf(layers: readonly ProbedLayer[], group = 0): WidthChoice[][] {
  const shares = errorShares(layers.map(({ psnrs }) => psnrs));
  const sensitivities = layers.map(({ tried }, i) => (tried > 0 ? shares[i]! / tried : 0));
  const most = Math.max(...sensitivities);
  return layers.map((layer, i) =>
    [...layer.weightErrors].map(([bits, error]) => ({
      bits,
      stored: layerStoredBits(layer, bits, group),
      error: error * (layer.tried > 0 ? sensitivities[i]! : most),
    })),
  );
}

/** Error power relative to the output's peak. */
function errorOfPsnr(psnr: number): number {
  return 10 ** (-psnr / 10);
}

/**
 * Each layer's share of all layers' errors, averaged over prompts.
 *
 * @param psnrs - In dB, `[layers][prompts]`.
 */
export function errorShares(psnrs: readonly (readonly number[])[]): number[] {
  const errors = psnrs.map((of) => of.map(errorOfPsnr));
  const totals = errors[0]?.map((_, prompt) => sum(errors.map((of) => of[prompt]!))) ?? [];
  return errors.map((of) => mean(of.map((error, prompt) => error / totals[prompt]!)));
}
