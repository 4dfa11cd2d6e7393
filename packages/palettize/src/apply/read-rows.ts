import { fromHalfBits, paletteBlockRows, throwIfCancelled, toHalfBits } from '@pleinair/tensor';
import { elementCount, isFloatDtype, WeightError, type ComponentEntry, type FloatDtype } from '@pleinair/weights';
import { PalettizeError } from '../errors.js';

/** Rows of a tensor. */
export interface Rows {
  /** From 0; a multiple of 32. */
  readonly firstRow: number;
  /** Half bits, `[rows, columns]`. Valid until the next rows are asked for. */
  readonly halves: Uint16Array<ArrayBuffer>;
}

/** A band of rows is about this many bytes, or 32 rows where those are more. */
const bandBytes = 4 * 1024 * 1024;

/**
 * Reads a tensor in bands of whole blocks of 32 rows, as half floats: F32 and BF16 are rounded to nearest, ties to even.
 *
 * @throws `WeightError` `weights/unsupported-dtype` or what reading throws; `PalettizeError` `palettize/out-of-range` for
 * a value of F32 or BF16 that fp16 cannot hold; `CancelledError`.
 */
export async function* readRows(entry: ComponentEntry, signal?: AbortSignal): AsyncGenerator<Rows> {
  const { name, dtype, shape, file, begin, end } = entry;
  if (!isFloatDtype(dtype)) {
    throw new WeightError(
      'weights/unsupported-dtype',
      `${name}: expected F32, F16 or BF16, got ${dtype}. Save the model in one of these.`,
    );
  }
  const rows = shape[0]!;
  const columns = elementCount(shape.slice(1));
  const rowBytes = (end - begin) / rows;
  const bandRows = Math.max(1, Math.floor(bandBytes / (rowBytes * paletteBlockRows))) * paletteBlockRows;
  const room = new Uint8Array(Math.min(bandRows, rows) * rowBytes);
  const convert = converter(dtype);
  for (let firstRow = 0; firstRow < rows; firstRow += bandRows) {
    throwIfCancelled(signal, name);
    const last = Math.min(firstRow + bandRows, rows);
    const bytes = await file.source.readRange(file.path, begin + firstRow * rowBytes, begin + last * rowBytes, {
      signal,
      into: room,
    });
    const halves = convert(bytes);
    if (dtype !== 'F16') checkRange(name, halves, firstRow * columns);
    yield { firstRow, halves };
  }
}

function converter(dtype: FloatDtype): (bytes: Uint8Array<ArrayBuffer>) => Uint16Array<ArrayBuffer> {
  if (dtype === 'F16') return ({ buffer, byteOffset, length }) => new Uint16Array(buffer, byteOffset, length / 2);
  if (dtype === 'F32') {
    return ({ buffer, byteOffset, length }) => {
      const floats = new Float32Array(buffer, byteOffset, length / 4);
      const halves = new Uint16Array(floats.length);
      for (let i = 0; i < halves.length; i++) halves[i] = toHalfBits(floats[i]!);
      return halves;
    };
  }
  const word = new Uint32Array(1);
  const float = new Float32Array(word.buffer);
  const table = Uint16Array.from({ length: 65536 }, (_, bits) => {
    word[0] = bits << 16;
    return toHalfBits(float[0]!);
  });
  return ({ buffer, byteOffset, length }) =>
    new Uint16Array(buffer, byteOffset, length / 2).map((bits) => table[bits]!);
}

function checkRange(name: string, halves: Uint16Array, firstElement: number): void {
  const bad = halves.findIndex((half) => (half & 0x7c00) === 0x7c00);
  if (bad < 0) return;
  throw new PalettizeError(
    'palettize/out-of-range',
    `${name}: expected values within ±65504, got one that is ${fromHalfBits(halves[bad]!)} in fp16 at element ` +
      `${firstElement + bad}. Leave this layer out (16 bits), or take a checkpoint made for fp16.`,
  );
}
