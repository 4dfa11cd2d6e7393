import { toHalfArray } from '@pleinair/tensor';
import { randomArray } from '@pleinair/testing';

/**
 * Values of a weight, the same for every engine: uniform, and scaled by the fan-in so that a chain of any length keeps
 * its numbers in range. `…gamma` lies around 1.
 *
 * @param shape - Checkpoint order, `[out, in, …]`, or a vector.
 */
export function weightValues(name: string, shape: readonly number[]): Float32Array<ArrayBuffer> {
  const length = shape.reduce((a, b) => a * b, 1);
  if (shape.length === 1) {
    const values = randomArray(length, seedOf(name), 0.1);
    return name.endsWith('gamma') ? values.map((value) => 1 + value) : values;
  }
  return randomArray(length, seedOf(name), Math.sqrt((3 * shape[0]!) / length));
}

/** Values of an activation given from outside, channels last: uniform with a variance of 1. */
export function inputValues(name: string, shape: readonly number[]): Float32Array<ArrayBuffer> {
  const length = shape.reduce((a, b) => a * b, 1);
  return randomArray(length, seedOf(name), Math.sqrt(3));
}

/** Values as an engine stores them. */
export function stored(
  values: Float32Array<ArrayBuffer>,
  dtype: 'f32' | 'f16',
): Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer> {
  return dtype === 'f32' ? values : toHalfArray(values);
}

/** FNV-1a. */
function seedOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
