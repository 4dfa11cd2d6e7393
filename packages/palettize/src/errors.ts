import { PleinairError } from '@pleinair/tensor';

/**
 * Anything wrong with a recipe. Codes:
 *
 * | code | what is wrong |
 * |---|---|
 * | `recipe/invalid` | the file is not a recipe file |
 * | `recipe/unknown-layer` | it names layers that the model lacks or that cannot be palettized |
 * | `recipe/unsupported-bits` | a width that is none of 1, 2, 3, 4, 6, 8 and 16 |
 * | `recipe/unknown-name`, `recipe/ambiguous` | the file has no recipe of that name, or several and none was named |
 * | `recipe/other-analysis` | a half-done analysis was made with other settings |
 * | `recipe/missing-calibration` | the calibration that a recipe file names is not beside it |
 * | `recipe/other-calibration` | that file is not the one the recipe was made with, or of another model |
 * | `recipe/other-model` | recipe files that should be of one model are of several |
 */
export class RecipeError extends PleinairError {}

/**
 * Palettizing failed. Codes:
 *
 * | code | what is wrong |
 * |---|---|
 * | `palettize/not-finite` | a weight is infinite or not a number |
 * | `palettize/out-of-range` | a weight does not fit fp16 |
 * | `palettize/invalid-argument` | a group, shape or importance that cannot be |
 * | `palettize/already-palettized` | the part is palettized already |
 * | `palettize/not-writable` | a log cannot be written |
 * | `palettize/worker` | a worker could not be started, or failed |
 */
export class PalettizeError extends PleinairError {}
