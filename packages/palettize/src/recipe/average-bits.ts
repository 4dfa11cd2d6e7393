import { storedBits } from '@pleinair/weights';
import type { LayerBits } from '../bits.js';

import type { Candidate } from './candidates.js';

/** Bits that a layer's weight takes in a file: indices (padding included) and palettes, or 16 for each weight. */
export function layerStoredBits(
  { shape, weights }: Pick<Candidate, 'shape' | 'weights'>,
  bits: LayerBits,
  group = 0,
): number {
  return bits === 16 ? 16 * weights : storedBits({ shape, bits, group });
}

/**
 * Average bits a weight: all bits of indices and palettes over the candidates' weights.
 *
 * @param bitsOf - By layer; those without count as 16.
 * @param group - Output channels that share a palette; 0 where one serves all.
 * @returns 0 where there are no candidates.
 */
export function averageBits(
  candidates: readonly Pick<Candidate, 'layer' | 'shape' | 'weights'>[],
  bitsOf: (layer: string) => LayerBits | undefined,
  group = 0,
): number {
  let bits = 0;
  let weights = 0;
  for (const candidate of candidates) {
    bits += layerStoredBits(candidate, bitsOf(candidate.layer) ?? 16, group);
    weights += candidate.weights;
  }
  return weights === 0 ? 0 : bits / weights;
}
