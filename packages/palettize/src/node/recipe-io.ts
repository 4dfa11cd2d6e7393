import { basename, dirname, resolve } from 'node:path';

import { folderSource, writeFileAtomically } from '@pleinair/weights/node';
import {
  formatRecipeFile,
  parseRecipeFile,
  selectRecipe,
  splitRecipeAddress,
  type Recipe,
  type RecipeFile,
} from '../recipe/recipe-file.js';

/**
 * Reads and checks a recipe file.
 *
 * @throws `RecipeError` with a code of its table; `MissingPartError`; `WeightError` `weights/not-json`, `weights/read`.
 */
export async function readRecipeFile(path: string): Promise<RecipeFile> {
  const full = resolve(path);
  return parseRecipeFile(path, await folderSource(dirname(full)).readJson(basename(full)));
}

/**
 * Reads a recipe by `FILE#name`, or `FILE` where it holds one only.
 *
 * @throws What {@link readRecipeFile} throws; `RecipeError` `recipe/unknown-name`, `recipe/ambiguous`.
 */
export async function readRecipe(address: string): Promise<{ name: string; recipe: Recipe }> {
  const { path, name } = splitRecipeAddress(address);
  return selectRecipe(path, await readRecipeFile(path), name);
}

/** Writes a recipe file, whole or not at all. Throws as `writeFileAtomically` does. */
export function writeRecipeFile(path: string, file: RecipeFile): Promise<void> {
  return writeFileAtomically(path, [new TextEncoder().encode(formatRecipeFile(file))]);
}
