import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { openSafetensors } from '@pleinair/weights';
import { folderSource, writeSafetensors } from '@pleinair/weights/node';
import {
  calibrationOrigin,
  calibrationTensors,
  readCalibrationTensors,
  type Calibration,
  type CalibrationOrigin,
  type CalibrationReference,
} from '../calibrate/calibration.js';
import { RecipeError } from '../errors.js';

/** Where the calibration of a recipe file lies: `recipe.json`'s is `recipe.calibration.safetensors`. */
export function calibrationPath(recipePath: string): string {
  return `${recipePath.replace(/\.json$/i, '')}.calibration.safetensors`;
}

/**
 * Writes the calibration of a recipe file beside it, whole or not at all.
 *
 * @returns What the recipe file is to say of it.
 * @throws As `writeSafetensors`.
 */
export async function writeCalibration(
  recipePath: string,
  calibration: Calibration,
  origin: CalibrationOrigin,
): Promise<CalibrationReference> {
  const path = calibrationPath(recipePath);
  const { tensors, metadata } = calibrationTensors(calibration, origin);
  await writeSafetensors(path, tensors, { metadata });
  return { file: basename(path), sha256: await digestOf(path) };
}

/** A calibration that was found. */
export interface FoundCalibration {
  readonly calibration: Calibration;
  readonly reference: CalibrationReference;
  /** Model runs it took. */
  readonly runs: number;
}

/**
 * Reads the calibration that lies where a recipe file's would, if it was made with these settings.
 *
 * @throws `RecipeError` `recipe/other-analysis` for one of other settings whose analysis has results in a log: they would be
 * of no use any more; what reading throws.
 */
export async function findCalibration(recipePath: string, settings: string): Promise<FoundCalibration | undefined> {
  const path = resolve(calibrationPath(recipePath));
  const source = folderSource(dirname(path));
  const file = basename(path);
  if (!(await source.exists(file))) return undefined;
  const opened = await openSafetensors(source, file);
  const origin = calibrationOrigin(opened);
  if (origin?.settings !== settings) {
    const log = `${basename(recipePath)}.log`;
    if (!(await source.exists(log))) return undefined;
    throw new RecipeError(
      'recipe/other-analysis',
      `${path}: expected the calibration of this analysis to go on with, got that of another model, prompts or settings. ` +
        `Remove it and ${log} to begin anew, or repeat the settings it was made with.`,
    );
  }
  const reference = { file, sha256: await digestOf(path) };
  return { calibration: await readCalibrationTensors(opened), reference, runs: origin.runs };
}

/**
 * Reads the calibration that a recipe file names.
 *
 * @throws `RecipeError` `recipe/missing-calibration`, `recipe/other-calibration`; what reading throws.
 */
export async function readCalibration(
  recipePath: string,
  { file, sha256 }: CalibrationReference,
): Promise<Calibration> {
  const folder = dirname(resolve(recipePath));
  const found = await digestOf(join(folder, file)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw new RecipeError(
      'recipe/missing-calibration',
      `${recipePath}: expected its calibration ${file} in the same folder, got none. Copy it there, or analyse again.`,
      { cause: error },
    );
  });
  if (found !== sha256) {
    throw new RecipeError(
      'recipe/other-calibration',
      `${recipePath}: expected ${file} with SHA-256 ${sha256}, got ${found}. Take the file that was written beside the recipe.`,
    );
  }
  return readCalibrationTensors(await openSafetensors(folderSource(folder), file));
}

async function digestOf(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}
