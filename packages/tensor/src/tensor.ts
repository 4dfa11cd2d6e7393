import { bytesPerElement, type DType } from './dtype.js';

/** Where a tensor's bytes live. */
export type TensorKind =
  /** Lives within one run of one segment; placed in the arena by the planner. */
  | 'transient'
  /** Lives between runs: inputs, outputs, state, and what one segment leaves for another. Has its own buffer. */
  | 'persistent';

/**
 * A tensor of a graph: a shape and a dtype, no data.
 *
 * Storage is row-major with the last dimension padded to a multiple of 4 elements, so that every row starts at a vec4.
 * **Pad lanes are zero**, and every kernel keeps them so. Activations are channels last, `[batch, height, width,
 * channels]` or `[batch, tokens, channels]`.
 */
export interface Tensor {
  readonly id: number;
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** Elements between the starts of two rows: the last dimension rounded up to a multiple of 4. */
export function rowStride(shape: readonly number[]): number {
  return Math.ceil((shape[shape.length - 1] ?? 1) / 4) * 4;
}

/** Product of all dimensions but the last. */
export function rowCount(shape: readonly number[]): number {
  let rows = 1;
  for (let i = 0; i < shape.length - 1; i++) rows *= shape[i]!;
  return rows;
}

/** Bytes a tensor takes in a buffer, padding of the last dimension included. A scalar `[]` takes one vec4. */
export function tensorBytes(tensor: { readonly shape: readonly number[]; readonly dtype: DType }): number {
  return rowCount(tensor.shape) * rowStride(tensor.shape) * bytesPerElement(tensor.dtype);
}
