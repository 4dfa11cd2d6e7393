import { blobSource, openSafetensors } from '@pleinair/weights';
import { RecipeError } from '../errors.js';
import { readCalibrationTensors, type Calibration, type CalibrationReference } from './calibration.js';

/**
 * Reads the calibration that a recipe file names from a Blob, such as a file dropped on a page. Needs a secure context.
 *
 * @param name - The file's, for messages.
 * @throws `RecipeError` `recipe/other-calibration`; what reading throws.
 */
export async function readCalibrationBlob(
  blob: Blob,
  name: string,
  { file, sha256 }: CalibrationReference,
): Promise<Calibration> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer()));
  const found = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  if (found !== sha256) {
    throw new RecipeError(
      'recipe/other-calibration',
      `${name}: expected ${file} with SHA-256 ${sha256}, got ${found}. Take the file that was written beside the recipe.`,
    );
  }
  return readCalibrationTensors(await openSafetensors(blobSource(new Map([[name, blob]]), name), name));
}
