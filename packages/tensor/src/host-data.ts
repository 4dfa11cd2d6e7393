import { fromHalfArray, toHalfArray, type DType } from './dtype.js';
import { ShapeError } from './errors.js';
import { rowCount, rowStride, type Tensor } from './tensor.js';

/** Values of a tensor on the host, row-major and without padding. */
export type HostData = Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

/** What may be written to a tensor: plain values, or, for an f16 tensor, half bits in a `Uint16Array`. */
export type WritableData = Float32Array | Uint32Array | Int32Array | Uint16Array | readonly number[];

/**
 * A tensor's bytes as they lie on the GPU: converted to its dtype, each row padded with zeros to a multiple of 4 elements.
 *
 * @throws {@link ShapeError} `shape/mismatch` When the number or the kind of values does not fit.
 */
export function toDeviceBytes(tensor: Tensor, data: WritableData): Uint8Array<ArrayBuffer> {
  const width = tensor.shape[tensor.shape.length - 1] ?? 1;
  const rows = rowCount(tensor.shape);
  if (data.length !== rows * width) {
    throw new ShapeError(
      'shape/mismatch',
      `${tensor.name}: expected ${rows * width} values for [${tensor.shape.join(', ')}], got ${data.length}. Give them without padding.`,
    );
  }
  if (data instanceof Uint16Array && tensor.dtype !== 'f16') {
    throw new ShapeError(
      'shape/mismatch',
      `${tensor.name}: expected values for ${tensor.dtype}, got a Uint16Array. Half bits go into f16 tensors only.`,
    );
  }
  const stride = rowStride(tensor.shape);
  const elements = storedElements(tensor.dtype, data);
  if (stride === width) return new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
  const bytesPer = elements.BYTES_PER_ELEMENT;
  const source = new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
  const out = new Uint8Array(rows * stride * bytesPer);
  for (let r = 0; r < rows; r++) {
    out.set(source.subarray(r * width * bytesPer, (r + 1) * width * bytesPer), r * stride * bytesPer);
  }
  return out;
}

/** The values of a tensor from its bytes on the GPU, without padding: floats for f16 and f32, integers as they are. */
export function fromDeviceBytes(tensor: Tensor, bytes: ArrayBuffer): HostData {
  const width = tensor.shape[tensor.shape.length - 1] ?? 1;
  const rows = rowCount(tensor.shape);
  const stride = rowStride(tensor.shape);
  const stored = rows * stride;
  if (tensor.dtype === 'f16') return fromHalfArray(unpad(new Uint16Array(bytes, 0, stored), rows, width, stride));
  if (tensor.dtype === 'u32') return unpad(new Uint32Array(bytes, 0, stored), rows, width, stride);
  if (tensor.dtype === 'i32') return unpad(new Int32Array(bytes, 0, stored), rows, width, stride);
  return unpad(new Float32Array(bytes, 0, stored), rows, width, stride);
}

type Elements =
  Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;

function storedElements(dtype: DType, data: WritableData): Elements {
  if (dtype === 'f16') return data instanceof Uint16Array ? new Uint16Array(data) : toHalfArray(data);
  if (dtype === 'u32') return Uint32Array.from(data);
  if (dtype === 'i32') return Int32Array.from(data);
  return Float32Array.from(data);
}

function unpad<T extends Elements>(values: T, rows: number, width: number, stride: number): T {
  if (stride === width) return values.slice() as T;
  const out = values.slice(0, rows * width) as T;
  for (let r = 0; r < rows; r++) out.set(values.subarray(r * stride, r * stride + width), r * width);
  return out;
}
