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
import type { Calibration } from '../calibrate/calibration.js';
import { readCalibration } from './calibration-io.js';

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
 * Reads a recipe by `FILE#name`, or `FILE` where it holds one only. Its calibration, if the file names one, is read when
 * it is asked for: bits do not depend on it.
 *
 * @throws What {@link readRecipeFile} throws; `RecipeError` `recipe/unknown-name`, `recipe/ambiguous`.
 */
export async function readRecipe(address: string): Promise<RecipeRead> {
  const { path, name } = splitRecipeAddress(address);
  const file = await readRecipeFile(path);
  return { ...selectRecipe(path, file, name), ...calibrationOf(path, file) };
}

/** A recipe of a file. */
export interface RecipeRead {
  readonly name: string;
  readonly recipe: Recipe;
  /** As a `PartRule` takes it. Throws as `readCalibration`. */
  readonly calibration?: () => Promise<Calibration>;
}

/** How to read the calibration of a recipe file that was read from a path; nothing where it has none. */
export function calibrationOf(path: string, { calibration }: RecipeFile): Pick<RecipeRead, 'calibration'> {
  return calibration ? { calibration: () => readCalibration(path, calibration) } : {};
}

/** Writes a recipe file, whole or not at all. Throws as `writeFileAtomically` does. */
export function writeRecipeFile(path: string, file: RecipeFile): Promise<void> {
  return writeFileAtomically(path, [new TextEncoder().encode(formatRecipeFile(file))]);
}
