import { toHalfArray } from '@pleinair/tensor';

/**
 * Values of a weight, the same for every engine: uniform, and scaled by the fan-in so that a chain of any length keeps
 * its numbers in range. `…gamma` lies around 1.
 *
 * @param shape - Checkpoint order, `[out, in, …]`, or a vector.
 */
export function weightValues(name: string, shape: readonly number[]): Float32Array<ArrayBuffer> {
  const length = shape.reduce((a, b) => a * b, 1);
  if (shape.length === 1) {
    const values = uniform(name, length, 0.1);
    return name.endsWith('gamma') ? values.map((value) => 1 + value) : values;
  }
  return uniform(name, length, Math.sqrt((3 * shape[0]!) / length));
}

/** Values of an activation given from outside, channels last: uniform with a variance of 1. */
export function inputValues(name: string, shape: readonly number[]): Float32Array<ArrayBuffer> {
  return uniform(
    name,
    shape.reduce((a, b) => a * b, 1),
    Math.sqrt(3),
  );
}

/** Values as an engine stores them. */
export function stored(
  values: Float32Array<ArrayBuffer>,
  dtype: 'f32' | 'f16',
): Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer> {
  return dtype === 'f32' ? values : toHalfArray(values);
}

/** Bytes as they fall, the same for every engine. */
export function randomBytes(name: string, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  fill(name, bytes, (state) => state >>> 24);
  return bytes;
}

/** Uniform in ±scale. */
function uniform(name: string, length: number, scale: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(length);
  fill(name, values, (state) => (state / 2 ** 31) * scale);
  return values;
}

/** Fills by xorshift32 (Marsaglia 2003) from a seed that is a hash of the name. */
function fill(name: string, into: Float32Array | Uint8Array, of: (state: number) => number): void {
  let state = hash(name) | 1;
  for (let i = 0; i < into.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    into[i] = of(state);
  }
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value;
}
