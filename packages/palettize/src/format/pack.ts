import { blockOutputs, columnsOf, indexShape, tapsOf, type PaletteForm } from './layout.js';

/**
 * Packs the indices of whole blocks of output channels. For each block of 32 outputs and each column, the 32 indices form
 * one little-endian string of 32·bits bits in which index j takes bits j·bits and up; columns are in the order
 * (kernel position, channel). Outputs that pad the last block have index 0.
 *
 * @param halves - The block's weights, half bits, `[rows, C, kh, kw]` or `[rows, K]`: as in the checkpoint.
 * @param firstRow - The first of them in the tensor, a multiple of 32.
 * @param lookupOf - The index for each half (see `paletteLookup`) of the palette that an output channel has.
 * @returns `[ceil(rows/32), columns, 4·bits]`, in new memory.
 */
export function packIndices(
  form: PaletteForm,
  halves: Uint16Array,
  firstRow: number,
  lookupOf: (row: number) => Uint8Array,
): Uint8Array<ArrayBuffer> {
  const columns = columnsOf(form.shape);
  const rows = halves.length / columns;
  const blocks = Math.ceil(rows / blockOutputs);
  const words = new Uint32Array(blocks * columns * form.bits);
  const indices = new Uint8Array(blockOutputs * columns);
  for (let block = 0; block < blocks; block++) {
    const first = block * blockOutputs;
    const count = Math.min(blockOutputs, rows - first);
    if (count < blockOutputs) indices.fill(0);
    for (let j = 0; j < count; j++) {
      const row = halves.subarray((first + j) * columns, (first + j + 1) * columns);
      lookUpRow(row, lookupOf(firstRow + first + j), tapsOf(form.shape), indices, j * columns);
    }
    packBlock(indices, columns, form.bits, words, block * columns * form.bits);
  }
  return littleEndianBytes(words);
}

/**
 * The other way: indices of every output channel, `[N, columns]`, columns in the order (kernel position, channel).
 *
 * @param packed - All of the tensor's, `[ceil(N/32), columns, 4·bits]`.
 */
export function unpackIndices(form: PaletteForm, packed: Uint8Array): Uint8Array<ArrayBuffer> {
  const [blocks, columns, bytes] = indexShape(form);
  const { shape, bits } = form;
  const mask = 2 ** bits - 1;
  const out = new Uint8Array(shape[0]! * columns);
  for (let block = 0; block < blocks; block++) {
    const count = Math.min(blockOutputs, shape[0]! - block * blockOutputs);
    for (let column = 0; column < columns; column++) {
      const start = (block * columns + column) * bytes;
      for (let j = 0; j < count; j++) {
        const bit = j * bits;
        const at = start + (bit >> 3);
        // An index spans two bytes at most; the last ends with its string, so the second may be the next string's: masked.
        const pair = packed[at]! | ((packed[at + 1] ?? 0) << 8);
        out[(block * blockOutputs + j) * columns + column] = (pair >> (bit & 7)) & mask;
      }
    }
  }
  return out;
}

/**
 * The half bits a palettized tensor stands for, in the checkpoint's order.
 *
 * @param packed - Its indices, `[ceil(N/32), columns, 4·bits]`.
 * @param palettes - Half bits, `[groups, 2^bits]`.
 */
export function decodePalettized(
  form: PaletteForm,
  packed: Uint8Array,
  palettes: Uint16Array,
): Uint16Array<ArrayBuffer> {
  const indices = unpackIndices(form, packed);
  const { shape, bits, group } = form;
  const columns = columnsOf(shape);
  const taps = tapsOf(shape);
  const channels = columns / taps;
  const out = new Uint16Array(indices.length);
  for (let row = 0; row < shape[0]!; row++) {
    const palette = (group === 0 ? 0 : Math.floor(row / group)) * 2 ** bits;
    for (let tap = 0; tap < taps; tap++) {
      for (let channel = 0; channel < channels; channel++) {
        const index = indices[row * columns + tap * channels + channel]!;
        out[row * columns + channel * taps + tap] = palettes[palette + index]!;
      }
    }
  }
  return out;
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
    for (let j = 0, from = column; j < blockOutputs; j++, from += columns) {
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
