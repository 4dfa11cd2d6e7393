import type { PaletteBits } from '@pleinair/tensor';
import { PalettizeError } from '../errors.js';
import { ProgressMeter, type Progress } from '../progress.js';
import { averageBits } from '../recipe/average-bits.js';
import type { Candidate } from '../recipe/candidates.js';
import type { LayerResults, Recipe, RecipeFile } from '../recipe/recipe-file.js';
import type { AnalysisEngine, LinearForm } from './engine.js';
import { mapLog, type EvaluationLog } from './evaluation-log.js';
import { Evaluations } from './evaluations.js';
import { mean, sum } from './mean.js';
import { recipeAbove, recipeWithin } from './published-recipe.js';

/** The widths of the published analysis. */
export const publishedWidths: readonly PaletteBits[] = [1, 2, 4, 6, 8];

/** The published `original` is run-to-run noise of its GPU at 82.2 dB; an engine that repeats itself is held to this. */
const mostOriginal = 82;

/** Options of {@link analyzePublished}. */
export interface PublishedOptions {
  readonly modelVersion: string;
  /** Layers to palettize, in the model's order; ties are broken by it. */
  readonly candidates: readonly Candidate[];
  /** Runs the model. It is left with its original weights. */
  readonly engine: AnalysisEngine;
  /** Widths, narrowest first. Default {@link publishedWidths}. */
  readonly widths?: readonly PaletteBits[];
  /** How many thresholds recipes are made for. Default 7, as published. */
  readonly recipes?: number;
  /** Average bits to make a recipe for each as well: the largest that any threshold gives within them. */
  readonly targets?: readonly number[];
  /** Layers that linear int8 is tried on. Default: the candidates; as published, every layer there is. */
  readonly linear8Layers?: readonly string[];
  /** Output channels that share a palette, for average bits; 0, the default, where one serves all. */
  readonly group?: number;
  /** Where results are kept, and looked for first. Default: in memory. */
  readonly log?: EvaluationLog;
  readonly signal?: AbortSignal;
  /** How far it is, in evaluations; those found in the log are counted at once. */
  readonly onProgress?: (progress: Progress) => void;
}

/** A finished analysis. */
export interface Analysis {
  readonly file: RecipeFile;
  /** Model runs, those found in the log included. */
  readonly runs: number;
}

/**
 * What a log's results depend on, but for prompts and noise, which the engine knows; results of other settings are of no
 * use. The numbers and sizes of recipes are not among them: more can be made of what was measured.
 */
export function publishedSettings(
  options: Pick<PublishedOptions, 'modelVersion' | 'candidates' | 'widths' | 'linear8Layers' | 'group'>,
): Record<string, unknown> {
  const { modelVersion, candidates, widths = publishedWidths, linear8Layers, group = 0 } = options;
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
  checkTargets(targets, candidates, widths, group);
  const evaluations = 2 * candidates.length * widths.length + 3 + recipeCount + targets.length;
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
    const metadata = { nbits: bits, ...(group === 0 ? { out_ngroups: 1 } : { group }), in_ngroups: 1 };
    alone[bits] = { metadata: { ...metadata, cumulative: false }, ...Object.fromEntries(single) };
    const sizes = { candidates: order.map(({ layer }) => layer), sizes: order.map(({ weights }) => weights) };
    cumulative[bits] = { metadata: { ...metadata, cumulative: true, ...sizes }, ...Object.fromEntries(psnrs) };
  }

  const original = mean((await run.original()).map((psnr) => Math.min(psnr, mostOriginal)));
  const linear8Layers = options.linear8Layers ?? candidates.map(({ layer }) => layer);
  const linear = async (form: LinearForm, key: string): Promise<number> =>
    mean(await run.evaluate(key, new Map(linear8Layers.map((layer) => [layer, form]))));
  const linear8 = await linear('linear8', 'linear_8bit');
  const perChannel = await linear('linear8-per-channel', 'linear_8bit_per_channel');

  const baselines: Record<string, number> = {
    original,
    linear_8bit: linear8,
    linear_8bit_per_channel: perChannel,
  };
  const recipes: Record<string, Recipe> = {};
  const made = [
    ...evenly(original - 1, linear8 + 5, recipeCount).map((above) => recipeAbove(above, candidates, widths, after)),
    ...targets.map((target) => recipeWithin(target, candidates, widths, after, group)),
  ];
  for (const recipe of made) {
    if (Object.values(recipes).some((other) => sameRecipe(recipe, other))) {
      run.skip();
      continue;
    }
    const average = averageBits(candidates, (layer) => recipe[layer], group);
    const name = freeName(`recipe_${average.toFixed(2)}_bit_mixedpalette`, recipes);
    baselines[name] = mean(
      await run.evaluate(`recipe/${Object.values(recipe).join()}`, new Map(Object.entries(recipe))),
    );
    recipes[name] = recipe;
  }
  await run.restore();
  const layers = candidates.map(({ layer, shape }) => ({ layer, shape }));
  const analysis = { method: 'published', evaluations: run.evaluations, runs: run.runs, layers, group };
  const file = { model_version: options.modelVersion, baselines, recipes, single_layer: alone, cumulative, analysis };
  return { file, runs: run.runs };
}

function checkTargets(
  targets: readonly number[],
  candidates: readonly Candidate[],
  widths: readonly PaletteBits[],
  group: number,
): void {
  const least = averageBits(candidates, () => widths[0], group);
  const below = targets.find((target) => target < least);
  if (below === undefined) return;
  throw new PalettizeError(
    'palettize/invalid-argument',
    `analysis: expected targets of at least ${least.toFixed(2)} average bits, which ${widths[0]} bits throughout take, ` +
      `palettes included, got ${below}. Ask for more, or allow fewer bits.`,
  );
}

function sameRecipe(a: Recipe, b: Recipe): boolean {
  return Object.keys(a).every((layer) => a[layer] === b[layer]);
}

/** Two recipes may have the same average to two digits. */
function freeName(name: string, taken: object): string {
  let free = name;
  for (let i = 2; free in taken; i++) free = `${name}_${i}`;
  return free;
}

function evenly(from: number, to: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => (count === 1 ? from : from + ((to - from) * i) / (count - 1)));
}
