import {
  fromHalfArray,
  indexPiece,
  paletteBlockRows,
  paletteBlocks,
  palettePiece,
  toHalfArray,
  type PackedPiece,
  type PaletteBits,
  type Weight,
} from '@pleinair/tensor';
import { randomBytes } from './values.js';

/** A weight with one palette, made up: the same packed and decoded. */
export interface PalettizedValues {
  /** The palette, half bits, `[2^bits]`. */
  readonly palette: Uint16Array<ArrayBuffer>;
  /** `[N, columns]`, columns counting channels within kernel positions. */
  readonly indices: Uint8Array<ArrayBuffer>;
}

/**
 * Makes a weight up: indices as they fall, entries evenly spread, as large as those of `weightValues`.
 *
 * @param shape - Checkpoint order, `[out, in, …]`.
 */
export function palettizedValues(name: string, shape: readonly number[], bits: PaletteBits): PalettizedValues {
  const length = shape.reduce((a, b) => a * b, 1);
  const size = 2 ** bits;
  const levels = Float32Array.from({ length: size }, (_, i) => (2 * i + 1) / size - 1);
  const meanSquare = levels.reduce((sum, level) => sum + level * level, 0) / size;
  const scale = Math.sqrt(shape[0]! / length / meanSquare);
  const indices = randomBytes(name, length);
  for (let i = 0; i < length; i++) indices[i]! >>= 8 - bits;
  return { palette: toHalfArray(levels.map((level) => scale * level)), indices };
}

/** The values it stands for, in the checkpoint's order. */
export function decodedValues(
  { palette, indices }: PalettizedValues,
  shape: readonly number[],
): Float32Array<ArrayBuffer> {
  const entries = fromHalfArray(palette);
  const { columns, channels, taps } = columnsOf(shape);
  return Float32Array.from(indices, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    const at = (column % taps) * channels + Math.floor(column / taps);
    return entries[indices[row * columns + at]!]!;
  });
}

/** Pieces that fill a palettized weight. */
export function palettizedPieces(weight: Weight, { palette, indices }: PalettizedValues): PackedPiece[] {
  const { shape } = weight.source;
  const { bits } = weight.palette!;
  const [rows] = shape as [number];
  const { columns } = columnsOf(shape);
  const blocks = paletteBlocks(rows);
  const words = new Uint32Array(blocks * columns * bits);
  for (let row = 0; row < rows; row++) {
    const block = Math.floor(row / paletteBlockRows);
    const bit = (row % paletteBlockRows) * bits;
    const [word, shift] = [bit >>> 5, bit & 31];
    for (let column = 0; column < columns; column++) {
      const index = indices[row * columns + column]!;
      const at = (block * columns + column) * bits + word;
      words[at]! |= index << shift;
      // Of 3 and 6 bits, an index may end in the next word.
      if (shift + bits > 32) words[at + 1]! |= index >>> (32 - shift);
    }
  }
  return [palettePiece(weight, palette), indexPiece(weight, new Uint8Array(words.buffer), 0, blocks)];
}

function columnsOf(shape: readonly number[]): { columns: number; channels: number; taps: number } {
  const [channels = 1, ...kernel] = shape.slice(1);
  const taps = kernel.reduce((a, b) => a * b, 1);
  return { columns: channels * taps, channels, taps };
}
