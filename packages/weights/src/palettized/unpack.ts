import { paletteBlockRows, paletteOfRow } from '@pleinair/tensor';
import { columnsOf, indexShape, tapsOf, type StoredPaletteForm } from './form.js';

/**
 * Indices of every output channel, `[N, columns]`, columns in the order (kernel position, channel).
 *
 * @param packed - All of the tensor's, `[ceil(N/32), columns, 4·bits]`.
 */
export function unpackIndices(form: StoredPaletteForm, packed: Uint8Array): Uint8Array<ArrayBuffer> {
  const [blocks, columns, bytes] = indexShape(form);
  const { shape, bits } = form;
  const mask = 2 ** bits - 1;
  const out = new Uint8Array(shape[0]! * columns);
  for (let block = 0; block < blocks; block++) {
    const count = Math.min(paletteBlockRows, shape[0]! - block * paletteBlockRows);
    for (let column = 0; column < columns; column++) {
      const start = (block * columns + column) * bytes;
      for (let j = 0; j < count; j++) {
        const bit = j * bits;
        const at = start + (bit >> 3);
        // An index spans two bytes at most; the last ends with its string, so the second may be the next string's: masked.
        const pair = packed[at]! | ((packed[at + 1] ?? 0) << 8);
        out[(block * paletteBlockRows + j) * columns + column] = (pair >> (bit & 7)) & mask;
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
  form: StoredPaletteForm,
  packed: Uint8Array,
  palettes: Uint16Array,
): Uint16Array<ArrayBuffer> {
  const indices = unpackIndices(form, packed);
  const { shape, bits } = form;
  const columns = columnsOf(shape);
  const taps = tapsOf(shape);
  const channels = columns / taps;
  const out = new Uint16Array(indices.length);
  for (let row = 0; row < shape[0]!; row++) {
    const palette = paletteOfRow(form, row) * 2 ** bits;
    for (let tap = 0; tap < taps; tap++) {
      for (let channel = 0; channel < channels; channel++) {
        const index = indices[row * columns + tap * channels + channel]!;
        out[row * columns + channel * taps + tap] = palettes[palette + index]!;
      }
    }
  }
  return out;
}
