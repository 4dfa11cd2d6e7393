import { Converter } from './convert.js';
import { WeightError } from './errors.js';
import { isFloatDtype } from './safetensors-dtype.js';
import type { SafetensorsEntry, SafetensorsFile } from './safetensors-file.js';
import type { ReadOptions } from './source.js';

/** A tensor's bytes as they lie in the file. For small ones: the whole tensor comes into memory. */
export async function readTensorBytes(
  file: SafetensorsFile,
  name: string,
  options: ReadOptions = {},
): Promise<{ entry: SafetensorsEntry; bytes: Uint8Array<ArrayBuffer> }> {
  const entry = file.entries.get(name);
  if (!entry) {
    throw new WeightError(
      'weights/missing-tensor',
      `${file.path}: expected ${name}, got ${file.entries.size} tensors without it. Check the name.`,
    );
  }
  return { entry, bytes: await file.source.readRange(file.path, entry.begin, entry.end, options) };
}

/**
 * A tensor's values as floats, from F32, F16 or BF16. For small ones: the whole tensor comes into memory.
 *
 * @throws `WeightError` `weights/missing-tensor`, `weights/unsupported-dtype`, or what reading throws.
 */
export async function readTensor(
  file: SafetensorsFile,
  name: string,
  options: ReadOptions = {},
): Promise<{ shape: readonly number[]; values: Float32Array<ArrayBuffer> }> {
  const { entry, bytes } = await readTensorBytes(file, name, options);
  if (!isFloatDtype(entry.dtype)) {
    throw new WeightError(
      'weights/unsupported-dtype',
      `${name}: expected F32, F16 or BF16, got ${entry.dtype}. Read it with readTensorBytes.`,
    );
  }
  return { shape: entry.shape, values: new Converter().toFloats(bytes, entry.dtype) };
}
