/**
 * Element types as they lie in GPU buffers. `f16` is stored as half floats everywhere; a shader on an adapter without
 * `shader-f16` reads them as packed pairs and computes in f32.
 */
export type DType = 'f32' | 'f16' | 'u32' | 'i32';

/** Bytes one element takes. */
export function bytesPerElement(dtype: DType): number {
  return dtype === 'f16' ? 2 : 4;
}

const floatView = new Float32Array(1);
const bitsView = new Uint32Array(floatView.buffer);

/** Rounds a number to the nearest half float (ties to even) and returns its 16 bits. Overflow gives infinity. */
export function toHalfBits(value: number): number {
  floatView[0] = value;
  const bits = bitsView[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x7f800000) return sign | 0x7c00 | (magnitude > 0x7f800000 ? 0x200 : 0);
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // rounds to 65536 or more
  if (magnitude < 0x38800000) {
    // Subnormal half: scaling by 2^24 makes its unit 1, and adding 2^23 in f32 rounds to even at that unit.
    if (magnitude < 0x33000000) return sign;
    const scaled = Math.abs(value) * 16777216;
    const floor = Math.floor(scaled);
    const rest = scaled - floor;
    const up = rest > 0.5 || (rest === 0.5 && (floor & 1) === 1);
    return sign | (floor + (up ? 1 : 0));
  }
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}

/** The value of a half float given by its 16 bits. */
export function fromHalfBits(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Half-float bits of every value. Integer arithmetic only, as Node 20 has no `Float16Array`. */
export function toHalfArray(values: ArrayLike<number>): Uint16Array<ArrayBuffer> {
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = toHalfBits(values[i]!);
  return out;
}

/** f32 values of every half float. */
export function fromHalfArray(bits: Uint16Array): Float32Array<ArrayBuffer> {
  const out = new Float32Array(bits.length);
  for (let i = 0; i < out.length; i++) out[i] = fromHalfBits(bits[i]!);
  return out;
}
