import { RecipeError } from '../errors.js';
import { parseEvaluation, type EvaluatedRecipes } from '../evaluate/parse-evaluation.js';
import { parseRecipeFile, type RecipeFile } from './recipe-file.js';

/** What a file about palettes turned out to be. */
export type PaletteFile =
  | { readonly kind: 'recipes'; readonly name: string; readonly file: RecipeFile }
  | { readonly kind: 'evaluation'; readonly name: string; readonly evaluation: EvaluatedRecipes }
  /** What a recipe file names as its calibration, unread: see `readCalibrationBlob`. */
  | { readonly kind: 'calibration'; readonly name: string; readonly blob: Blob };

/** Published recipe files of SDXL have some 5 MB; what is far larger is something else, such as weights. */
const mostBytes = 128 * 1024 * 1024;

/**
 * Reads a recipe file, or a record of recipes evaluated, from a Blob such as a file dropped on a page; knows a calibration by
 * its name.
 *
 * @param name - For messages; a File's own by default.
 * @throws `RecipeError` `recipe/invalid`, `recipe/unsupported-bits`.
 */
export async function readRecipeBlob(blob: Blob, name?: string): Promise<PaletteFile> {
  const where = name ?? (blob instanceof File ? blob.name : 'recipe file');
  if (where.endsWith('.safetensors')) return { kind: 'calibration', name: where, blob };
  if (blob.size > mostBytes) throw notRecipes(where, `${blob.size} bytes`);
  const text = await blob.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw notRecipes(where, text.trim() === '' ? 'nothing' : `${JSON.stringify(text.slice(0, 40))}…`, cause);
  }
  return isEvaluation(json)
    ? { kind: 'evaluation', name: where, evaluation: parseEvaluation(where, json) }
    : { kind: 'recipes', name: where, file: parseRecipeFile(where, json) };
}

function isEvaluation(json: unknown): boolean {
  return typeof json === 'object' && json !== null && 'methods' in json && !('recipes' in json);
}

function notRecipes(where: string, got: string, cause?: unknown): RecipeError {
  return new RecipeError(
    'recipe/invalid',
    `${where}: expected a recipe file, which is JSON, got ${got}. Choose what \`pleinair palettize analyze\` wrote.`,
    { cause },
  );
}
