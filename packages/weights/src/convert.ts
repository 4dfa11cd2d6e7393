import { fromHalfBits, toHalfBits, type WeightStorage } from '@pleinair/tensor';
import type { FloatDtype } from './safetensors-dtype.js';

/** Elements in a storage type: half-float bits or floats. */
type StoredValues = Uint16Array<ArrayBuffer> | Float32Array<ArrayBuffer>;

/** A run of converted elements, and the first of them that its storage type cannot hold. */
interface Converted {
  readonly values: StoredValues;
  /** Index of the first element that overflows half precision or is not a number; absent when all is well. */
  readonly bad?: number;
}

/**
 * Converts elements as they lie in a file (little-endian, as WebGPU's buffers are) to a storage type. Owns its output
 * memory, so a result is valid until the next conversion; where no conversion is needed the result is a view of the input.
 *
 * f32 and bf16 round to the nearest half, ties to even; values that would round beyond 65,504, infinities and NaN are
 * reported. f16 is taken as it is, as are all values stored in f32.
 */
export class Converter {
  private halves = new Uint16Array(0);
  private floats = new Float32Array(0);
  private aligned = new Uint8Array(0);
  private fromHalf: Float32Array | undefined;
  private bfloatToHalf: Uint16Array | undefined;

  /** Every value of `dtype` fits f32. */
  toFloats(bytes: Uint8Array<ArrayBuffer>, dtype: FloatDtype): Float32Array<ArrayBuffer> {
    const { buffer, byteOffset, length } = this.align(bytes, dtype === 'F32' ? 4 : 2);
    if (dtype === 'F32') return new Float32Array(buffer, byteOffset, length / 4);
    const bits = new Uint16Array(buffer, byteOffset, length / 2);
    return dtype === 'F16' ? this.halvesToFloats(bits) : this.bfloatsToFloats(bits);
  }

  /** @param bytes - Whole elements of `dtype`. */
  convert(bytes: Uint8Array<ArrayBuffer>, dtype: FloatDtype, storage: WeightStorage): Converted {
    if (storage === 'f32') return { values: this.toFloats(bytes, dtype) };
    const { buffer, byteOffset, length } = this.align(bytes, dtype === 'F32' ? 4 : 2);
    if (dtype === 'F32') return this.floatsToHalves(new Uint32Array(buffer, byteOffset, length / 4));
    const bits = new Uint16Array(buffer, byteOffset, length / 2);
    return dtype === 'F16' ? { values: bits } : this.bfloatsToHalves(bits);
  }

  private floatsToHalves(input: Uint32Array): Converted {
    const out = this.halfRoom(input.length);
    // The rule of toHalfBits in @pleinair/tensor, in one loop: a call for each element would double the time.
    let largest = 0;
    for (let i = 0; i < input.length; i++) {
      const bits = input[i]!;
      const sign = (bits >>> 16) & 0x8000;
      const magnitude = bits & 0x7fffffff;
      if (magnitude > largest) largest = magnitude;
      if (magnitude >= 0x38800000) {
        out[i] = sign | ((magnitude + 0xfff + ((magnitude >>> 13) & 1) - 0x38000000) >>> 13);
      } else if (magnitude < 0x33000000) {
        out[i] = sign;
      } else {
        // Subnormal half: shift the full mantissa down to units of 2^-24, rounding to even.
        const shift = 126 - (magnitude >>> 23);
        const mantissa = (magnitude & 0x7fffff) | 0x800000;
        out[i] = sign | ((mantissa + (1 << (shift - 1)) - 1 + ((mantissa >>> shift) & 1)) >>> shift);
      }
    }
    if (largest < 0x477ff000) return { values: out };
    return { values: out, bad: input.findIndex((bits) => (bits & 0x7fffffff) >= 0x477ff000) };
  }

  private bfloatsToHalves(input: Uint16Array): Converted {
    const table = (this.bfloatToHalf ??= makeTable(Uint16Array, (bits) => toHalfBits(bfloatValue(bits))));
    const out = this.halfRoom(input.length);
    let largest = 0;
    for (let i = 0; i < input.length; i++) {
      const bits = input[i]!;
      const magnitude = bits & 0x7fff;
      if (magnitude > largest) largest = magnitude;
      out[i] = table[bits]!;
    }
    if (largest < 0x4780) return { values: out };
    return { values: out, bad: input.findIndex((bits) => (bits & 0x7fff) >= 0x4780) };
  }

  private halvesToFloats(input: Uint16Array): Float32Array<ArrayBuffer> {
    const table = (this.fromHalf ??= makeTable(Float32Array, fromHalfBits));
    const out = this.floatRoom(input.length);
    for (let i = 0; i < input.length; i++) out[i] = table[input[i]!]!;
    return out;
  }

  private bfloatsToFloats(input: Uint16Array): Float32Array<ArrayBuffer> {
    const out = this.floatRoom(input.length);
    const bits = new Uint32Array(out.buffer, 0, input.length);
    for (let i = 0; i < input.length; i++) bits[i] = input[i]! << 16;
    return out;
  }

  private align(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
    if (bytes.byteOffset % size === 0) return bytes;
    if (this.aligned.length < bytes.length) this.aligned = new Uint8Array(bytes.length);
    const copy = this.aligned.subarray(0, bytes.length);
    copy.set(bytes);
    return copy;
  }

  private halfRoom(length: number): Uint16Array<ArrayBuffer> {
    if (this.halves.length < length) this.halves = new Uint16Array(length);
    return this.halves.subarray(0, length);
  }

  private floatRoom(length: number): Float32Array<ArrayBuffer> {
    if (this.floats.length < length) this.floats = new Float32Array(length);
    return this.floats.subarray(0, length);
  }
}

function bfloatValue(bits: number): number {
  return new Float32Array(new Uint32Array([bits << 16]).buffer)[0]!;
}

function makeTable<T extends Uint16Array | Float32Array>(
  Type: new (length: number) => T,
  valueOf: (bits: number) => number,
): T {
  const table = new Type(65536);
  for (let bits = 0; bits < 65536; bits++) table[bits] = valueOf(bits);
  return table;
}
