import { fromHalfBits } from '@pleinair/tensor';

/**
 * Finite half floats in ascending order of value, as consecutive integers: {@link zeroKey} is zero (both of them), one
 * more is the smallest positive subnormal, one less the largest negative one.
 */
export const zeroKey = 0x7bff;

/** One more than the key of 65,504, the largest half. */
export const keyCount = 2 * zeroKey + 1;

/** The key of a finite half's bits. */
export function keyOfHalf(bits: number): number {
  return bits & 0x8000 ? zeroKey - (bits & 0x7fff) : zeroKey + bits;
}

/** The bits of the half with this key; zero is positive. */
export function halfOfKey(key: number): number {
  return key < zeroKey ? 0x8000 | (zeroKey - key) : key - zeroKey;
}

/** The value of the half with this key. */
export function valueOfKey(key: number): number {
  return fromHalfBits(halfOfKey(key));
}
