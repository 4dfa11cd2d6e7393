import { PleinairError } from '@pleinair/tensor';
import { WeightError } from '@pleinair/weights';

/**
 * A palettized tensor in a file is not what the format says. Codes:
 *
 * | code | what is wrong |
 * |---|---|
 * | `weights/palette-metadata` | the header's description cannot be read, or describes tensors wrongly |
 * | `weights/palette-version` | a version of the format that this reader does not know |
 * | `weights/palette-mixed-versions` | files of one part are of different versions |
 * | `weights/palette-bits` | a width that the format does not have |
 * | `weights/palette-missing` | indices or palette of a described tensor are not there, or the tensor is there twice |
 * | `weights/palette-length` | more entries than 2^bits, none, or not one row a group |
 * | `weights/palette-payload` | the packed indices are of another length or dtype than shape and bits ask for |
 * | `weights/palette-index` | an index beyond the end of a short palette |
 * | `weights/palette-value` | a palette entry that is infinite or not a number |
 */
export class PaletteError extends WeightError {}

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
 * | `palettize/output-exists` | the output folder is there already |
 * | `palettize/no-room` | the disk has too little room for the output |
 * | `palettize/not-writable` | the output folder, or a log, cannot be written |
 * | `palettize/worker` | a worker could not be started, or failed |
 */
export class PalettizeError extends PleinairError {}
