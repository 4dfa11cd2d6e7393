import { isPalettizableShape } from '@pleinair/weights';
import { checkLayerBits, type LayerBits } from '../bits.js';
import type { CalibrationReference } from '../calibrate/calibration.js';
import { RecipeError } from '../errors.js';

/** Bits by layer, e.g. `{"down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q": 4}`; layers left out stay as they are. */
export type Recipe = Readonly<Record<string, LayerBits>>;

/** Measurements at one width: PSNR in dB by layer, one for each prompt, beside a `metadata` object. */
export type LayerResults = Readonly<Record<string, unknown>>;

/** A recipe file, in the layout that apple/ml-stable-diffusion publishes. */
export interface RecipeFile {
  /** The model analysed, e.g. `stabilityai/stable-diffusion-xl-base-1.0`. */
  readonly model_version: string;
  /** PSNR in dB, averaged over prompts: `original`, `linear_8bit`, and each recipe by name. */
  readonly baselines: Readonly<Record<string, number>>;
  readonly recipes: Readonly<Record<string, Recipe>>;
  /** By width: one layer palettized at a time. */
  readonly single_layer: Readonly<Record<string, LayerResults>>;
  /** By width: layers palettized one after another, the least harmful first. */
  readonly cumulative: Readonly<Record<string, LayerResults>>;
  /** How the file came about; not in published files. */
  readonly analysis?: AnalysisRecord;
  /** What the recipes were measured with and must be applied with: what layers' inputs are like. Not in published files. */
  readonly calibration?: CalibrationReference;
}

/** What an analysis did. */
export interface AnalysisRecord {
  /** E.g. `published`. */
  readonly method: string;
  /** Sets of weights that were tried. */
  readonly evaluations: number;
  /** Model runs: one for each prompt of each evaluation. */
  readonly runs: number;
  /** The layers that recipes choose bits for, in the model's order; with them sizes can be told exactly. */
  readonly layers?: readonly AnalysedLayer[];
  /** Output channels that share a palette; 0 or absent where one serves all. */
  readonly group?: number;
}

/** A layer as an analysis knows it. */
export interface AnalysedLayer {
  readonly layer: string;
  /** Its weight's: `[N, K]` or `[N, C, kh, kw]` */
  readonly shape: readonly number[];
}

/**
 * Checks a parsed recipe file. Measurements may be missing: only recipes are needed to apply one.
 *
 * @param where - The file, for messages.
 * @throws `RecipeError` `recipe/invalid`, `recipe/unsupported-bits`.
 */
export function parseRecipeFile(where: string, json: unknown): RecipeFile {
  const file = objectOf(where, 'a recipe file, an object with recipes by name', json);
  const recipes = objectOf(where, 'recipes by name', file['recipes']);
  const baselines = objectOf(where, 'baselines by name', file['baselines'] ?? {});
  const version = file['model_version'] ?? '';
  if (typeof version !== 'string') throw invalid(where, 'model_version as a text', version);
  for (const [name, psnr] of Object.entries(baselines)) {
    if (typeof psnr !== 'number') throw invalid(where, `a PSNR as baseline ${name}`, psnr);
  }
  return {
    model_version: version,
    baselines: baselines as Record<string, number>,
    recipes: Object.fromEntries(
      Object.entries(recipes).map(([name, recipe]) => [name, parseRecipe(where, name, recipe)]),
    ),
    single_layer: resultsOf(where, 'single_layer', file['single_layer']),
    cumulative: resultsOf(where, 'cumulative', file['cumulative']),
    ...(file['analysis'] === undefined ? {} : { analysis: analysisOf(where, file['analysis']) }),
    ...(file['calibration'] === undefined ? {} : { calibration: calibrationOf(where, file['calibration']) }),
  };
}

/**
 * A recipe of a file by name, or the only one where none is named.
 *
 * @throws `RecipeError` `recipe/unknown-name`, `recipe/ambiguous`; both list the names there are.
 */
export function selectRecipe(where: string, file: RecipeFile, name?: string): { name: string; recipe: Recipe } {
  const names = Object.keys(file.recipes);
  const there = names.length > 0 ? names.join(', ') : 'no recipe';
  if (name === undefined && names.length !== 1) {
    throw new RecipeError(
      'recipe/ambiguous',
      `${where}: expected one recipe, got ${there}. Name one: ${where}#${names[0] ?? 'NAME'}.`,
    );
  }
  const chosen = name ?? names[0]!;
  const recipe = Object.hasOwn(file.recipes, chosen) ? file.recipes[chosen] : undefined;
  if (!recipe)
    throw new RecipeError('recipe/unknown-name', `${where}: expected ${chosen}, got ${there}. Choose one of these.`);
  return { name: chosen, recipe };
}

/** Splits `FILE#name`; the name is what follows the last `#`. */
export function splitRecipeAddress(address: string): { path: string; name?: string } {
  const at = address.lastIndexOf('#');
  return at < 0 ? { path: address } : { path: address.slice(0, at), name: address.slice(at + 1) };
}

/** The text of a recipe file, as it is published: JSON, two spaces. */
export function formatRecipeFile(file: RecipeFile): string {
  return `${JSON.stringify(file, null, 2)}\n`;
}

function parseRecipe(where: string, name: string, recipe: unknown): Recipe {
  const layers = objectOf(where, `bits by layer in ${name}`, recipe);
  return Object.fromEntries(
    Object.entries(layers).map(([layer, bits]) => [layer, checkLayerBits(`${where}: ${name}: ${layer}`, bits)]),
  );
}

function resultsOf(where: string, name: string, value: unknown): Record<string, LayerResults> {
  const byBits = objectOf(where, `${name} by bits`, value ?? {});
  return Object.fromEntries(
    Object.entries(byBits).map(([bits, results]) => [bits, objectOf(where, `${name}.${bits} by layer`, results)]),
  );
}

function analysisOf(where: string, value: unknown): AnalysisRecord {
  const { method, evaluations, runs, layers, group } = objectOf(where, 'an account of the analysis', value);
  if (typeof method !== 'string' || typeof evaluations !== 'number' || typeof runs !== 'number') {
    throw invalid(where, 'method, evaluations and runs of the analysis', value);
  }
  if (group !== undefined && (!Number.isSafeInteger(group) || (group as number) < 0)) {
    throw invalid(where, 'group of the analysis as a whole number', group);
  }
  return {
    method,
    evaluations,
    runs,
    ...(layers === undefined ? {} : { layers: layersOf(where, layers) }),
    ...(group === undefined ? {} : { group: group as number }),
  };
}

function calibrationOf(where: string, value: unknown): CalibrationReference {
  const expected = 'the calibration as a file beside this one and its SHA-256';
  const { file, sha256 } = objectOf(where, expected, value);
  if (typeof file !== 'string' || !/^[^/\\]+\.safetensors$/.test(file)) throw invalid(where, expected, value);
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) throw invalid(where, expected, value);
  return { file, sha256 };
}

function layersOf(where: string, value: unknown): AnalysedLayer[] {
  const expected = "the analysis's layers, each with its name and shape";
  if (!Array.isArray(value)) throw invalid(where, expected, value);
  return value.map((one: unknown) => {
    const { layer, shape } = objectOf(where, expected, one);
    if (typeof layer !== 'string' || !Array.isArray(shape) || !isPalettizableShape(shape as number[])) {
      throw invalid(where, expected, one);
    }
    return { layer, shape: shape as number[] };
  });
}

function objectOf(where: string, expected: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(where, expected, value);
  return value as Record<string, unknown>;
}

function invalid(where: string, expected: string, got: unknown): RecipeError {
  return new RecipeError(
    'recipe/invalid',
    `${where}: expected ${expected}, got ${(JSON.stringify(got) ?? 'nothing').slice(0, 80)}. Check that it is a recipe file.`,
  );
}
