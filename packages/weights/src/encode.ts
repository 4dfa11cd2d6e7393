import { WeightError } from './errors.js';
import { byteLengthOf, isSafetensorsDtype, type SafetensorsDtype } from './safetensors-dtype.js';

/** A tensor to write. */
export interface TensorToWrite {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /** Its bytes, little-endian, as one array or, for what should not lie in memory at once, in pieces made when asked for. */
  readonly data: ArrayBufferView | (() => Iterable<ArrayBufferView> | AsyncIterable<ArrayBufferView>);
}

/** Options of {@link encodeSafetensors}. */
export interface EncodeOptions {
  /** The header's `__metadata__`. `format: 'pt'` is added unless given: transformers refuses files without a format. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * The bytes of a safetensors file, piece by piece: header, then tensors, those with wider elements first so that all are
 * aligned, as the reference writer does. In a browser: `new Blob(await Array.fromAsync(encodeSafetensors(…)))`.
 *
 * @throws `WeightError` `weights/write` for a repeated name, a bad shape or dtype, or data that is not shape × dtype.
 */
export async function* encodeSafetensors(
  tensors: readonly TensorToWrite[],
  options: EncodeOptions = {},
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const sorted = tensors.toSorted((a, b) => elementBytes(b) - elementBytes(a));
  const header = new Map<string, unknown>([['__metadata__', { format: 'pt', ...options.metadata }]]);
  let offset = 0;
  for (const tensor of sorted) {
    const { name, dtype, shape } = tensor;
    if (header.has(name)) throw invalid(name, 'a name of its own', 'it again');
    const bytes = isSafetensorsDtype(dtype) ? byteLengthOf(dtype, shape) : NaN;
    if (!Number.isSafeInteger(bytes) || shape.some((size) => !Number.isInteger(size) || size < 0)) {
      throw invalid(name, 'a dtype and a shape of whole bytes', `${dtype} [${shape.join(', ')}]`);
    }
    header.set(name, { dtype, shape, data_offsets: [offset, offset + bytes] });
    offset += bytes;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const start = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  new DataView(start.buffer).setBigUint64(0, BigInt(start.length - 8), true);
  start.set(json, 8);
  yield start;

  for (const tensor of sorted) {
    const wanted = byteLengthOf(tensor.dtype, tensor.shape);
    const pieces = typeof tensor.data === 'function' ? tensor.data() : [tensor.data];
    let got = 0;
    for await (const piece of pieces) {
      got += piece.byteLength;
      if (got > wanted) break;
      yield bytesOf(piece);
    }
    if (got !== wanted) {
      throw invalid(tensor.name, `${wanted} bytes for ${tensor.dtype} [${tensor.shape.join(', ')}]`, `${got} or more`);
    }
  }
}

function elementBytes({ dtype }: TensorToWrite): number {
  return isSafetensorsDtype(dtype) ? byteLengthOf(dtype, []) : 0;
}

function bytesOf(view: ArrayBufferView): Uint8Array<ArrayBuffer> {
  if (view.buffer instanceof ArrayBuffer) return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  return new Uint8Array(new Uint8Array(view.buffer, view.byteOffset, view.byteLength)); // shared memory cannot be written
}

function invalid(name: string, expected: string, got: string): WeightError {
  return new WeightError('weights/write', `${name}: expected ${expected}, got ${got}. Check what is written.`);
}
