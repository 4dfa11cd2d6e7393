import type { PaletteBits } from '@pleinair/tensor';
import { ProgressMeter } from '../progress.js';
import type { LayerResults } from '../recipe/recipe-file.js';
import { leastAverageBits, widthMetadata, type Analysis, type AnalysisOptions } from './analysis.js';
import { baselineEvaluations, measureBaselines } from './baselines.js';
import { mapLog } from './evaluation-log.js';
import { Evaluations } from './evaluations.js';
import { sum } from './mean.js';
import { MeasuredRecipes } from './measured-recipes.js';
import { recipeAbove, recipeWithin } from './published-recipe.js';

/** The widths of the published analysis. */
export const publishedWidths: readonly PaletteBits[] = [1, 2, 4, 6, 8];

/** Options of {@link analyzePublished}. */
export interface PublishedOptions extends AnalysisOptions {
  /** Widths, narrowest first. Default {@link publishedWidths}. */
  readonly widths?: readonly PaletteBits[];
  /** How many thresholds recipes are made for. Default 7, as published. */
  readonly recipes?: number;
  /** Average bits to make a recipe for each as well: the largest that any threshold gives within them. */
  readonly targets?: readonly number[];
}

/**
 * What a log's results depend on, but for prompts and noise, which the engine knows; results of other settings are of no
 * use. The numbers and sizes of recipes are not among them: more can be made of what was measured.
 *
 * @throws `PalettizeError` `palettize/invalid-argument`, as {@link analyzePublished}.
 */
export function publishedSettings(
  options: Pick<PublishedOptions, 'modelVersion' | 'candidates' | 'widths' | 'targets' | 'linear8Layers' | 'group'>,
): Record<string, unknown> {
  const { modelVersion, candidates, widths = publishedWidths, linear8Layers, group = 0 } = options;
  leastAverageBits(options.targets ?? [], candidates, widths[0], group);
  const layers = candidates.map(({ layer, shape }) => ({ layer, shape }));
  return { method: 'published', modelVersion, layers, widths, linear8Layers, group };
}

/**
 * The published analysis (apple/ml-stable-diffusion, `mixed_bit_compression_pre_analysis.py`), so that recipes compare:
 *
 * 1. for each width, each layer palettized alone, then restored;
 * 2. for each width, layers palettized one after another, in the order of the sum of PSNR alone, least harmful first;
 * 3. baselines: the original (f16 against f32, at most 82 dB) and linear int8 throughout, as published and, not in the
 *    published analysis, with a scale for each output channel;
 * 4. for thresholds spread evenly from original − 1 to linear int8 + 5 dB, each layer takes the fewest bits at which the
 *    PSNR after it was palettized in 2. is above the threshold, else 16; each recipe is then measured as a whole. Where
 *    targets are given, so is the largest recipe of any threshold within each.
 *
 * Two differences: PSNR is kept as it is, not rounded to a tenth; average bits count palettes. 2 · layers · widths + 3
 * evaluations, and one for each different recipe.
 *
 * @throws `CancelledError`; `PalettizeError` `palettize/invalid-argument` for a target below what the narrowest width
 * takes, `palettize/not-finite` where the engine gives such a PSNR; what the engine and the log throw. Whatever was
 * measured until then is in the log.
 */
export async function analyzePublished(options: PublishedOptions): Promise<Analysis> {
  const { candidates, engine, widths = publishedWidths, group = 0, signal } = options;
  const { recipes: recipeCount = 7, targets = [] } = options;
  leastAverageBits(targets, candidates, widths[0], group);
  const evaluations = 2 * candidates.length * widths.length + baselineEvaluations + recipeCount + targets.length;
  const run = new Evaluations(
    engine,
    options.log ?? mapLog(),
    new ProgressMeter(evaluations, options.onProgress),
    signal,
  );

  const alone: Record<string, LayerResults> = {};
  const cumulative: Record<string, LayerResults> = {};
  const after = new Map<PaletteBits, Map<string, readonly number[]>>();
  for (const bits of widths) {
    const single = new Map<string, readonly number[]>();
    for (const { layer } of candidates) {
      single.set(layer, await run.evaluate(`single_layer/${bits}/${layer}`, new Map([[layer, bits]])));
    }
    const order = candidates.toSorted((a, b) => sum(single.get(b.layer)!) - sum(single.get(a.layer)!));
    const growing = new Map<string, PaletteBits>();
    const psnrs = new Map<string, readonly number[]>();
    for (const { layer } of order) {
      growing.set(layer, bits);
      psnrs.set(layer, await run.evaluate(`cumulative/${bits}/${layer}`, growing));
    }
    after.set(bits, psnrs);
    alone[bits] = { metadata: widthMetadata(bits, group, false), ...Object.fromEntries(single) };
    const sizes = { candidates: order.map(({ layer }) => layer), sizes: order.map(({ weights }) => weights) };
    cumulative[bits] = { metadata: { ...widthMetadata(bits, group, true), ...sizes }, ...Object.fromEntries(psnrs) };
  }

  const linear8Layers = options.linear8Layers ?? candidates.map(({ layer }) => layer);
  const baselines = await measureBaselines(run, linear8Layers);
  const measured = new MeasuredRecipes(run, candidates, group);
  for (const above of evenly(baselines.original - 1, baselines.linear_8bit + 5, recipeCount)) {
    await measured.add(recipeAbove(above, candidates, widths, after));
  }
  for (const target of targets) await measured.add(recipeWithin(target, candidates, widths, after, group));
  await run.restore();
  const layers = candidates.map(({ layer, shape }) => ({ layer, shape }));
  const analysis = { method: 'published', evaluations: run.evaluations, runs: run.runs, layers, group };
  const file = {
    model_version: options.modelVersion,
    baselines: { ...baselines, ...measured.psnrs },
    recipes: measured.recipes,
    single_layer: alone,
    cumulative,
    analysis,
  };
  return { file, runs: run.runs };
}

function evenly(from: number, to: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => (count === 1 ? from : from + ((to - from) * i) / (count - 1)));
}
