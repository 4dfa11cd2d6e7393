import { toHalfArray } from '@pleinair/tensor';
import { randomArray } from '@pleinair/testing';
import { blobSource, encodeSafetensors, openComponent, type Component, type TensorToWrite } from '../src/index.js';

/** Half floats to write, bell-shaped as trained weights are. */
export function halves(name: string, shape: readonly number[], seed: number): TensorToWrite & { data: Uint16Array } {
  const length = shape.reduce((a, b) => a * b, 1);
  const [a, b, c] = [1, 2, 3].map((i) => randomArray(length, seed * 10 + i, 0.05)) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  return { name, dtype: 'F16', shape, data: toHalfArray(a.map((value, i) => value + b[i]! + c[i]!)) };
}

/** Bytes of a safetensors file. */
export async function fileOf(
  tensors: readonly TensorToWrite[],
  metadata?: Readonly<Record<string, string>>,
): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of encodeSafetensors(tensors, { metadata })) pieces.push(piece.slice());
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

/** A part in memory, of files by name. */
export function partOf(files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>): Promise<Component> {
  return openComponent(
    blobSource(new Map(Object.entries(files).map(([path, bytes]) => [path, new Blob([bytes])])), 'the test model'),
    '',
  );
}

/** A part in memory, in one file. */
export async function singlePart(
  tensors: readonly TensorToWrite[],
  metadata?: Readonly<Record<string, string>>,
): Promise<Component> {
  return partOf({ 'model.safetensors': await fileOf(tensors, metadata) });
}
