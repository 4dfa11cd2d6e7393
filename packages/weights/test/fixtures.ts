import { encodeSafetensors, type TensorToWrite } from '../src/encode.js';
import { blobSource } from '../src/blob-source.js';
import { WeightError } from '../src/errors.js';
import type { ModelSource } from '../src/source.js';

/** A safetensors file of any header and data, right or wrong: length prefix, header as JSON or as given, data. */
export function rawFile(header: unknown, data: Uint8Array | number = 0, headerBytes?: bigint): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const body = typeof data === 'number' ? new Uint8Array(data) : data;
  const file = new Uint8Array(8 + json.length + body.length);
  new DataView(file.buffer).setBigUint64(0, headerBytes ?? BigInt(json.length), true);
  file.set(json, 8);
  file.set(body, 8 + json.length);
  return file;
}

/** A right safetensors file. */
export async function safetensorsFile(
  tensors: readonly TensorToWrite[],
  metadata?: Record<string, string>,
): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of encodeSafetensors(tensors, { metadata })) pieces.push(piece.slice());
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

/** A model in memory. */
export function modelOf(files: Record<string, Uint8Array<ArrayBuffer> | string>): ModelSource {
  return blobSource(new Map(Object.entries(files).map(([path, bytes]) => [path, new Blob([bytes])])), 'the test model');
}

/** An F32 tensor to write, its values from a function of the index. */
export function floats(
  name: string,
  shape: readonly number[],
  valueAt: (index: number) => number = (i) => i,
): TensorToWrite & { readonly data: Float32Array<ArrayBuffer> } {
  const count = shape.reduce((a, b) => a * b, 1);
  return { name, dtype: 'F32', shape, data: Float32Array.from({ length: count }, (_, i) => valueAt(i)) };
}

/** The WeightError that an operation fails with; anything else, or success, fails the test. */
export async function failureOf(operation: Promise<unknown>): Promise<WeightError> {
  try {
    await operation;
  } catch (error) {
    if (error instanceof WeightError) return error;
    throw error;
  }
  throw new Error('expected a WeightError, got success');
}
