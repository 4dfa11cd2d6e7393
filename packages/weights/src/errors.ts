import { PleinairError } from '@pleinair/tensor';

/**
 * Anything wrong with a model's files. Codes:
 *
 * | code | what is wrong |
 * |---|---|
 * | `weights/missing-file` | a part of the model is not there ({@link MissingPartError}) |
 * | `weights/unsafe-path` | a path leads out of the model |
 * | `weights/not-json` | a text that should be JSON is not |
 * | `weights/header-too-large`, `weights/invalid-header` | the safetensors header cannot be read |
 * | `weights/pickle`, `weights/foreign-format` | the file is a Python pickle, or something else that is no safetensors |
 * | `weights/unknown-checkpoint` | a single file that is no checkpoint of Stable Diffusion, or not one that can be run |
 * | `weights/ambiguous` | a folder of several checkpoints, of which none was named |
 * | `weights/truncated` | the file ends before its tensors do |
 * | `weights/overlap`, `weights/gap` | tensors share bytes, or bytes belong to none |
 * | `weights/size-mismatch` | a tensor's bytes are not shape × dtype |
 * | `weights/unknown-dtype`, `weights/unsupported-dtype` | not a safetensors dtype, or not one that weights come in |
 * | `weights/invalid-index` | the index of a sharded checkpoint is wrong |
 * | `weights/missing-tensor`, `weights/shape-mismatch` | the checkpoint does not fit the model |
 * | `weights/palettized` | a graph was recorded for other palettes than the checkpoint has |
 * | `weights/out-of-range` | a value does not fit fp16 |
 * | `weights/row-too-large` | one band of a layout does not fit the host buffer |
 * | `weights/network`, `weights/changed` | the server failed, or the file changed while it was read |
 * | `weights/read` | the disk or Blob failed |
 * | `weights/output-exists`, `weights/no-room` | a model is to be written where something is, or there is no room for it |
 * | `weights/disk-full`, `weights/not-writable`, `weights/write` | writing failed; nothing was left behind |
 */
export class WeightError extends PleinairError {}

/** A part of a model is missing. Code `weights/missing-file`. */
export class MissingPartError extends WeightError {
  /** Every path that was looked for, relative to the model. */
  readonly tried: readonly string[];

  constructor(what: string, where: string, tried: readonly string[], cure: string) {
    super('weights/missing-file', `${what}: expected ${tried.join(' or ')} in ${where}, got none of them. ${cure}`);
    this.tried = tried;
  }
}

/**
 * A palettized tensor in a file is not what the format says. Codes:
 *
 * | code | what is wrong |
 * |---|---|
 * | `weights/palette-metadata` | the header's description cannot be read, or describes tensors wrongly |
 * | `weights/palette-version` | a version of the format that this reader does not know |
 * | `weights/palette-mixed-versions` | files of one part are of different versions |
 * | `weights/palette-missing` | indices or palette of a described tensor are not there, or the tensor is there twice |
 * | `weights/palette-length` | more entries than 2^bits, none, or not one row a group |
 * | `weights/palette-payload` | the packed indices are of another length or dtype than shape and bits ask for |
 * | `weights/palette-index` | an index beyond the end of a short palette |
 * | `weights/palette-value` | a palette entry that is infinite or not a number |
 */
export class PaletteError extends WeightError {}

/** The system's code of a failed file operation, e.g. `ENOENT`. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Any thrown value in words, for the end of a message. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error && error.cause.message ? ` (${error.cause.message})` : '';
  return `${error.message}${cause}`;
}
