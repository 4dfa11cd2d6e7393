import type { LayerBits } from '../bits.js';
import type { CurvePoint } from '../evaluate/curve.js';
import type { EvaluatedRecipes } from '../evaluate/parse-evaluation.js';
import { mean } from '../analyze/mean.js';
import { linearInt8Bits, perChannelLinearInt8, publishedLinearInt8, type LinearInt8Scheme } from '../linear-int8.js';
import type { LayerResults, Recipe, RecipeFile } from '../recipe/recipe-file.js';
import { recipeSizes, type RecipeSizes } from '../recipe/recipe-sizes.js';

/** A recipe as a report shows it. */
export interface RecipeView {
  readonly name: string;
  readonly recipe: Recipe;
  /** Average bits a weight. */
  readonly bits: number;
  /** In dB, where it was measured. */
  readonly psnr?: number;
}

/** A curve of one width on more and more layers. */
export interface FixedCurve {
  readonly width: number;
  /** Most bits first. */
  readonly points: readonly CurvePoint[];
}

/** A point with what it is. */
export interface NamedPoint extends CurvePoint {
  readonly name: string;
}

/** An analysis as a report shows it. */
export interface AnalysisView {
  /** The method; unique in a report. */
  readonly title: string;
  readonly file: RecipeFile;
  readonly sizes?: RecipeSizes;
  /** Most bits first. */
  readonly recipes: readonly RecipeView[];
  readonly fixed: readonly FixedCurve[];
  /** Linear int8, as published first. */
  readonly linear8: readonly NamedPoint[];
  readonly original?: number;
}

/** Reads out of a recipe file what a report shows. */
export function analysisView(title: string, file: RecipeFile): AnalysisView {
  const sizes = recipeSizes(file);
  const recipes = Object.entries(file.recipes).map(([name, recipe]) => ({
    name,
    recipe,
    bits: sizes?.averageBits((layer) => recipe[layer]) ?? bitsInName(name) ?? plainAverage(recipe),
    psnr: file.baselines[name],
  }));
  return {
    title,
    file,
    sizes,
    recipes: recipes.sort((a, b) => b.bits - a.bits),
    fixed: sizes ? Object.entries(file.cumulative).map(([bits, results]) => fixedCurve(bits, results, sizes)) : [],
    linear8: [
      ...linearPoint('as published', file.baselines['linear_8bit'], publishedLinearInt8, sizes),
      ...linearPoint('per output channel', file.baselines['linear_8bit_per_channel'], perChannelLinearInt8, sizes),
    ],
    original: file.baselines['original'],
  };
}

/** The view with what an evaluation measured in place of what the analysis did; recipes it lacks have no PSNR. */
export function evaluatedView(view: AnalysisView, method: string, evaluation: EvaluatedRecipes): AnalysisView {
  const measured = new Map(evaluation.methods[method]?.points.map(({ recipe, psnr }) => [recipe, psnr]));
  const { published, perChannel } = evaluation.linear8;
  return {
    ...view,
    recipes: view.recipes.map((recipe) => ({ ...recipe, psnr: measured.get(recipe.name) })),
    fixed: Object.entries(evaluation.fixed).map(([width, points]) => ({
      width: Number(width),
      points: points.toSorted((a, b) => b.bits - a.bits),
    })),
    linear8: [
      { name: 'as published', ...published },
      { name: 'per output channel', ...perChannel },
    ],
    original: evaluation.original,
  };
}

/** Averages over prompts of the measurements of a table, in its order. */
function averages(results: LayerResults): [layer: string, psnr: number][] {
  return Object.entries(results).flatMap(([layer, psnrs]): [string, number][] => {
    if (layer === 'metadata' || !Array.isArray(psnrs) || psnrs.length === 0) return [];
    return [[layer, mean(psnrs as number[])]];
  });
}

function fixedCurve(bits: string, results: LayerResults, sizes: RecipeSizes): FixedCurve {
  const width = Number(bits) as LayerBits;
  const taken = new Set<string>();
  const points = averages(results).map(([layer, psnr]) => {
    taken.add(layer);
    return { bits: sizes.averageBits((one) => (taken.has(one) ? width : undefined)), psnr };
  });
  return { width, points };
}

function linearPoint(
  name: string,
  psnr: number | undefined,
  scheme: LinearInt8Scheme,
  sizes: RecipeSizes | undefined,
): NamedPoint[] {
  if (psnr === undefined) return [];
  const { shapes, weights } = sizes ?? {};
  const stored = shapes && [...shapes.values()].reduce((sum, shape) => sum + linearInt8Bits(shape, scheme), 0);
  return [{ name, psnr, bits: stored && weights ? stored / weights : 8 }];
}

function bitsInName(name: string): number | undefined {
  const found = /(?:^|_)(\d+(?:\.\d+)?)_bit/.exec(name)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** Where nothing tells how large layers are. */
function plainAverage(recipe: Recipe): number {
  const bits = Object.values(recipe);
  return bits.length === 0 ? 16 : mean(bits);
}
