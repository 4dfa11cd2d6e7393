import {
  bytesPerElement,
  DeviceError,
  rowCount,
  rowStride,
  tensorBytes,
  type BoundTensor,
  type DeviceProfile,
  type Tensor,
} from '@pleinair/tensor';

/** A tensor bound from some row on, and where that row is inside the binding. */
export interface BoundRows {
  readonly bound: BoundTensor;
  /** Index, in vec4s, of the first row inside the binding: what the offset's alignment left over. */
  readonly base: number;
}

/** A run of rows of one dispatch. */
export interface RowBand {
  readonly firstRow: number;
  readonly rows: number;
}

/**
 * The most rows of these tensors that one dispatch can bind, or Infinity when all of them fit the adapter's binding limit
 * whole. The tensors may differ in row width but are walked by the same row index.
 *
 * @throws DeviceError `device/limit` when not even one row fits.
 */
export function mostBoundRows(op: string, tensors: readonly Tensor[], profile: DeviceProfile): number {
  const { maxStorageBufferBindingSize: limit, minStorageBufferOffsetAlignment: alignment } = profile.limits;
  let most = Infinity;
  for (const tensor of tensors) {
    if (tensorBytes(tensor) <= limit) continue;
    // A band may begin up to one alignment before its first row.
    const rows = Math.floor((limit - alignment) / rowBytes(tensor));
    if (rows < 1) {
      throw new DeviceError(
        'device/limit',
        `${op}: expected a row of "${tensor.name}" within the adapter's binding limit of ${limit} bytes, got ${rowBytes(tensor)}. Use an adapter with a higher limit or a smaller picture.`,
      );
    }
    most = Math.min(most, rows);
  }
  return most;
}

/** Cuts rows into bands that can be bound; one band when everything fits. */
export function rowBands(op: string, rows: number, tensors: readonly Tensor[], profile: DeviceProfile): RowBand[] {
  const most = Math.min(mostBoundRows(op, tensors, profile), Math.max(rows, 1));
  const bands: RowBand[] = [];
  for (let firstRow = 0; firstRow < rows; firstRow += most) {
    bands.push({ firstRow, rows: Math.min(most, rows - firstRow) });
  }
  return bands;
}

/** Binds rows of a tensor at an offset the adapter accepts. */
export function bindRows(tensor: Tensor, band: RowBand, profile: DeviceProfile): BoundRows {
  if (band.firstRow === 0 && band.rows === rowCount(tensor.shape)) return { bound: { tensor }, base: 0 };
  const start = band.firstRow * rowBytes(tensor);
  const alignment = profile.limits.minStorageBufferOffsetAlignment;
  const byteOffset = Math.floor(start / alignment) * alignment;
  return {
    bound: { tensor, byteOffset, byteLength: start - byteOffset + band.rows * rowBytes(tensor) },
    base: (start - byteOffset) / (4 * bytesPerElement(tensor.dtype)),
  };
}

/**
 * Throws when a tensor that a kernel needs whole is beyond the adapter's binding limit.
 *
 * @throws DeviceError `device/limit`.
 */
export function expectBindable(op: string, tensors: readonly Tensor[], profile: DeviceProfile): void {
  const limit = profile.limits.maxStorageBufferBindingSize;
  for (const tensor of tensors) {
    if (tensorBytes(tensor) <= limit) continue;
    throw new DeviceError(
      'device/limit',
      `${op}: expected "${tensor.name}" within the adapter's binding limit of ${limit} bytes, got ${tensorBytes(tensor)}. Use an adapter with a higher limit or a smaller picture.`,
    );
  }
}

function rowBytes(tensor: Tensor): number {
  return rowStride(tensor.shape) * bytesPerElement(tensor.dtype);
}
