/**
 * Bits an element of each dtype takes in a safetensors file, as the reference reader (huggingface/safetensors,
 * `safetensors/src/tensor.rs`) has them.
 */
const bitsOf = {
  F64: 64,
  F32: 32,
  F16: 16,
  BF16: 16,
  F8_E4M3: 8,
  F8_E5M2: 8,
  F8_E8M0: 8,
  F6_E2M3: 6,
  F6_E3M2: 6,
  F4: 4,
  C64: 64,
  I64: 64,
  U64: 64,
  I32: 32,
  U32: 32,
  I16: 16,
  U16: 16,
  I8: 8,
  U8: 8,
  BOOL: 8,
} as const;

/** A dtype of the safetensors format. */
export type SafetensorsDtype = keyof typeof bitsOf;

/** The dtypes that model weights come in. */
export type FloatDtype = 'F32' | 'F16' | 'BF16';

/** Every dtype of the format. */
export const safetensorsDtypes: readonly SafetensorsDtype[] = Object.keys(bitsOf).filter(isSafetensorsDtype);

/** True for a dtype of the format. */
export function isSafetensorsDtype(dtype: string): dtype is SafetensorsDtype {
  return Object.hasOwn(bitsOf, dtype);
}

/** True for the dtypes that can be converted to weights. */
export function isFloatDtype(dtype: string): dtype is FloatDtype {
  return dtype === 'F32' || dtype === 'F16' || dtype === 'BF16';
}

/** Bytes a tensor takes; not whole where an odd number of 4- or 6-bit elements does not fill its last byte. */
export function byteLengthOf(dtype: SafetensorsDtype, shape: readonly number[]): number {
  return (elementCount(shape) * bitsOf[dtype]) / 8;
}

/** Product of the sizes; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
