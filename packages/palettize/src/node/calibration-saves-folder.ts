import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isPleinairError } from '@pleinair/tensor';
import { openSafetensors } from '@pleinair/weights';
import { folderSource, writeSafetensors } from '@pleinair/weights/node';
import { readSaved, savedSettings, savedTensors, type CalibrationSaves } from '../calibrate/calibration-saves.js';
import { PalettizeError, RecipeError } from '../errors.js';

/** A half-done calibration in a folder. */
export interface CalibrationSavesFolder extends CalibrationSaves {
  readonly path: string;
  /** Whether something was there when it was opened. */
  readonly resumed: boolean;
  /** Takes the folder away: the calibration is complete. */
  remove(): Promise<void>;
}

/** Where the half-done calibration of a recipe file lies: `recipe.json`'s is the folder `recipe.calibration.partial`. */
export function calibrationSavesPath(recipePath: string): string {
  return `${recipePath.replace(/\.json$/i, '')}.calibration.partial`;
}

/**
 * Opens the folder of a half-done calibration, or begins one: a file for each set of layers, written beside its place and
 * renamed, so that a kill or a power cut leaves what was saved before.
 *
 * @param recipePath - The recipe file that the calibration is for; the folder lies beside it.
 * @param settings - What the sums depend on.
 * @throws `RecipeError` `recipe/other-analysis` where something of other settings, or no calibration, is in the folder;
 * `PalettizeError` `palettize/not-writable`; what reading throws. Saving throws as `writeSafetensors`.
 */
export async function openCalibrationSaves(recipePath: string, settings: string): Promise<CalibrationSavesFolder> {
  const path = calibrationSavesPath(recipePath);
  await mkdir(path, { recursive: true }).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PalettizeError(
      'palettize/not-writable',
      `${path}: expected a folder that a half-done calibration can be kept in, got: ${reason}. Check its place and the disk.`,
      { cause: error },
    );
  });
  const source = folderSource(path);
  const names = (await readdir(path)).filter((name) => /^\d+\.safetensors$/.test(name));
  for (const name of names) {
    const found = await openSafetensors(source, name).then(savedSettings, (error: unknown) => {
      if (isPleinairError(error)) return undefined;
      throw error;
    });
    if (found === settings) continue;
    throw new RecipeError(
      'recipe/other-analysis',
      `${join(path, name)}: expected the calibration of this analysis to go on from, got that of another model, prompts or ` +
        'settings. Remove the folder to begin anew, or repeat the settings it was begun with.',
    );
  }
  const nameOf = (set: number): string => `${set}.safetensors`;
  const there = new Set(names);
  return {
    path,
    resumed: names.length > 0,
    async load(set) {
      return there.has(nameOf(set)) ? readSaved(await openSafetensors(source, nameOf(set))) : undefined;
    },
    async save(set, state) {
      const { tensors, metadata } = savedTensors(state, settings);
      await writeSafetensors(join(path, nameOf(set)), tensors, { metadata });
      there.add(nameOf(set));
    },
    remove: () => rm(path, { recursive: true, force: true }),
  };
}
