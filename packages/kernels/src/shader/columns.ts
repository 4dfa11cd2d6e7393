import { rowStride, type Tensor } from '@pleinair/tensor';

/** vec4 columns of a tensor's rows, padding included. */
export function columnsOf(tensor: Tensor): number {
  return rowStride(tensor.shape) / 4;
}
