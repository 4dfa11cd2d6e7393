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
  const taps = tapsOf(form.shape);
  const rows = halves.length / columns;
  const words = new Uint32Array(paletteBlocks(rows) * columns * form.bits);
  for (let row = 0; row < rows; row++) {
    const block = Math.floor(row / paletteBlockRows);
    const bit = (row % paletteBlockRows) * form.bits;
    const to = block * columns * form.bits + Math.floor(bit / 32);
    const weights = halves.subarray(row * columns, (row + 1) * columns);
    putRow(weights, lookupOf(firstRow + row), taps, words, { to, shift: bit % 32, bits: form.bits });
  }
  return littleEndianBytes(words);
}

/** Where a row's indices go: the first at a word's bit, each of the others `bits` words behind the one before. */
interface Place {
  readonly to: number;
  readonly shift: number;
  readonly bits: number;
}

/** Puts the indices of a row beside those of the rows above it, which were put there before. */
function putRow(
  weights: Uint16Array,
  lookup: Uint8Array,
  taps: number,
  words: Uint32Array,
  { to, shift, bits }: Place,
): void {
  const rest = 32 - shift;
  const straddles = bits > rest;
  for (let tap = 0, at = to; tap < taps; tap++) {
    for (let i = tap; i < weights.length; i += taps, at += bits) {
      const index = lookup[weights[i]!]!;
      words[at] = words[at]! | (index << shift);
      if (straddles) words[at + 1] = index >>> rest;
    }
  }
}

/** Memory is little-endian wherever WebGPU is; checked all the same by a test of the bytes. */
function littleEndianBytes(words: Uint32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(words.buffer);
}
