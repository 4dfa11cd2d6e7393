import { paletteBlockRows, paletteBlocks } from '@pleinair/tensor';
import { columnsOf, tapsOf, type StoredPaletteForm } from './form.js';

/**
 * Packs the indices of whole blocks of output channels. For each block of 32 outputs and each column, the 32 indices form
 * one little-endian string of 32·bits bits in which index j takes bits j·bits and up; columns are in the order
 * (kernel position, channel). Outputs that pad the last block have index 0.
 *
 * @param halves - The block's weights, half bits, `[rows, C, kh, kw]` or `[rows, K]`: as in the checkpoint.
 * @param firstRow - The first of them in the tensor, a multiple of 32.
 * @param lookupOf - The index for each half of the palette that an output channel has.
 * @returns `[ceil(rows/32), columns, 4·bits]`, in new memory.
 */
export function packIndices(
  form: StoredPaletteForm,
  halves: Uint16Array,
  firstRow: number,
  lookupOf: (row: number) => Uint8Array,
): Uint8Array<ArrayBuffer> {
  const columns = columnsOf(form.shape);
  const rows = halves.length / columns;
  const blocks = paletteBlocks(rows);
  const words = new Uint32Array(blocks * columns * form.bits);
  const indices = new Uint8Array(paletteBlockRows * columns);
  for (let block = 0; block < blocks; block++) {
    const first = block * paletteBlockRows;
    const count = Math.min(paletteBlockRows, rows - first);
    if (count < paletteBlockRows) indices.fill(0);
    for (let j = 0; j < count; j++) {
      const row = halves.subarray((first + j) * columns, (first + j + 1) * columns);
      lookUpRow(row, lookupOf(firstRow + first + j), tapsOf(form.shape), indices, j * columns);
    }
    packBlock(indices, columns, form.bits, words, block * columns * form.bits);
  }
  return littleEndianBytes(words);
}

function lookUpRow(row: Uint16Array, lookup: Uint8Array, taps: number, indices: Uint8Array, to: number): void {
  if (taps === 1) {
    for (let i = 0; i < row.length; i++) indices[to + i] = lookup[row[i]!]!;
    return;
  }
  for (let tap = 0; tap < taps; tap++) for (let i = tap; i < row.length; i += taps) indices[to++] = lookup[row[i]!]!;
}

/** @param indices - `[32, columns]` */
function packBlock(indices: Uint8Array, columns: number, bits: number, words: Uint32Array, to: number): void {
  for (let column = 0; column < columns; column++) {
    let word = 0;
    let filled = 0;
    for (let j = 0, from = column; j < paletteBlockRows; j++, from += columns) {
      const index = indices[from]!;
      word |= index << filled;
      filled += bits;
      if (filled < 32) continue;
      words[to++] = word;
      filled -= 32;
      word = filled === 0 ? 0 : index >>> (bits - filled);
    }
  }
}

/** Memory is little-endian wherever WebGPU is; checked all the same by a test of the bytes. */
function littleEndianBytes(words: Uint32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(words.buffer);
}
