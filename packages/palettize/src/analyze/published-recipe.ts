import type { PaletteBits } from '@pleinair/tensor';
import type { LayerBits } from '../bits.js';
import { averageBits } from '../recipe/average-bits.js';
import type { Candidate } from '../recipe/candidates.js';
import type { Recipe } from '../recipe/recipe-file.js';
import { mean } from './mean.js';

/** By width, by layer: PSNR of each prompt after the layer was palettized in turn. */
export type Cumulative = ReadonlyMap<PaletteBits, ReadonlyMap<string, readonly number[]>>;

/**
 * The published recipe of a threshold: each layer takes the fewest bits at which the PSNR after it was above the
 * threshold, else 16.
 *
 * @param widths - Narrowest first.
 */
export function recipeAbove(
  threshold: number,
  candidates: readonly Candidate[],
  widths: readonly PaletteBits[],
  after: Cumulative,
): Recipe {
  const bitsOf = (layer: string): LayerBits =>
    widths.find((bits) => mean(after.get(bits)!.get(layer)!) > threshold) ?? 16;
  return Object.fromEntries(candidates.map(({ layer }) => [layer, bitsOf(layer)]));
}

/**
 * The largest recipe of any threshold that has at most so many bits on average. A higher threshold never takes bits from a
 * layer, and only the measured PSNRs tell recipes apart, so that half of them are ruled out at a time.
 *
 * @param target - At least the average at the narrowest width.
 * @param group - Output channels that share a palette; 0 where one serves all.
 */
export function recipeWithin(
  target: number,
  candidates: readonly Candidate[],
  widths: readonly PaletteBits[],
  after: Cumulative,
  group: number,
): Recipe {
  const measured = [...after.values()].flatMap((byLayer) => [...byLayer.values()].map(mean));
  const thresholds = [-Infinity, ...new Set(measured.sort((a, b) => a - b))];
  const recipeAt = (i: number): Recipe => recipeAbove(thresholds[i]!, candidates, widths, after);
  let [fits, beyond] = [0, thresholds.length];
  while (beyond - fits > 1) {
    const middle = (fits + beyond) >> 1;
    const recipe = recipeAt(middle);
    if (averageBits(candidates, (layer) => recipe[layer], group) <= target) fits = middle;
    else beyond = middle;
  }
  return recipeAt(fits);
}
