import { ShapeError } from './errors.js';
import { alignUp } from './planner.js';
import type { PackedPiece, Weight, WeightLayout } from './weight.js';

/** Bits of an index. */
export type PaletteBits = 1 | 2 | 3 | 4 | 6 | 8;

/** How a palettized tensor is stored: indices of a few bits into palettes of `2^bits` half floats. */
export interface PaletteForm {
  readonly bits: PaletteBits;
  /** Rows of dimension 0 (output channels) that share a palette, a multiple of 4. Absent or 0: all do. */
  readonly group?: number;
}

/** Rows of dimension 0 whose indices lie together: all of K for 32 outputs, then the next 32. */
export const paletteBlockRows = 32;

/** Blocks of {@link paletteBlockRows} rows in so many rows, the last one padded. */
export function paletteBlocks(rows: number): number {
  return Math.ceil(rows / paletteBlockRows);
}

/** Palettes of a tensor with so many rows. */
export function paletteGroups({ group }: PaletteForm, rows: number): number {
  return group ? Math.ceil(rows / group) : 1;
}

/** Which of a tensor's palettes a row of dimension 0 uses. */
export function paletteOfRow({ group }: PaletteForm, row: number): number {
  return group ? Math.floor(row / group) : 0;
}

/** Bytes of all palettes of a tensor on the GPU, where they come before the indices, padded to whole vec4s of words. */
export function paletteTableBytes(form: PaletteForm, rows: number): number {
  return alignUp(paletteGroups(form, rows) * 2 ** form.bits * 2, 16);
}

/** Bytes of a palettized weight on the GPU: its palettes, then its indices in the layout's order. */
export function palettizedBytes(form: PaletteForm, layout: WeightLayout, shape: readonly number[]): number {
  return paletteTableBytes(form, shape[0] ?? 1) + (layout.elements(shape) / 8) * form.bits;
}

/**
 * Palettes as a piece of a weight.
 *
 * @param halves - `[groups, 2^bits]` half-float bits, as the checkpoint has them.
 */
export function palettePiece(weight: Weight, halves: Uint16Array): PackedPiece {
  const form = formOf(weight);
  const rows = weight.source.shape[0] ?? 1;
  const bytes = new Uint16Array(paletteTableBytes(form, rows) / 2);
  const expected = paletteGroups(form, rows) * 2 ** form.bits;
  if (halves.length !== expected) {
    throw new ShapeError(
      'weight/bad-piece',
      `${weight.source.name}: expected ${expected} palette entries, got ${halves.length}. Palettize the model again.`,
    );
  }
  bytes.set(halves);
  return { elementOffset: 0, values: new Uint32Array(bytes.buffer) };
}

/**
 * Blocks of indices as a piece of a weight. Where the layout keeps the checkpoint's order of K, which it does for all
 * channel counts that are multiples of 4, these are the very bytes of the file.
 *
 * @param bytes - `[blockCount, K, 4 · bits]`: for each block of 32 rows and each k, 32 indices, the first in the lowest bits.
 * @param firstBlock - Which block the first is.
 */
export function indexPiece(weight: Weight, bytes: Uint8Array, firstBlock: number, blockCount: number): PackedPiece {
  const { bits } = formOf(weight);
  const { layout, source } = weight;
  const order = layout.paletteOrder!(source.shape);
  const k = order.length;
  const padded = layout.elements(source.shape) / (paletteBlocks(source.shape[0]!) * paletteBlockRows);
  if (bytes.length !== blockCount * k * 4 * bits) {
    throw new ShapeError(
      'weight/bad-piece',
      `${source.name}: expected ${blockCount * k * 4 * bits} bytes of ${bits}-bit indices, got ${bytes.length}. Palettize the model again.`,
    );
  }
  const from = words(bytes);
  const elementOffset = paletteTableBytes(formOf(weight), source.shape[0]!) / 4 + firstBlock * padded * bits;
  if (padded === k && order.every((to, i) => to === i)) return { elementOffset, values: from };
  const values = new Uint32Array(blockCount * padded * bits);
  for (let block = 0; block < blockCount; block++) {
    for (let i = 0; i < k; i++) {
      const at = (block * k + i) * bits;
      values.set(from.subarray(at, at + bits), (block * padded + order[i]!) * bits);
    }
  }
  return { elementOffset, values };
}

function formOf(weight: Weight): PaletteForm {
  if (weight.palette) return weight.palette;
  throw new ShapeError(
    'weight/bad-piece',
    `${weight.source.name}: expected a palettized weight, got ${weight.storage}. Record the graph with the checkpoint's palettes.`,
  );
}

/** The same bytes as 32-bit words, copied only where they are not aligned. */
function words(bytes: Uint8Array): Uint32Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = bytes;
  if (byteOffset % 4 === 0 && buffer instanceof ArrayBuffer) return new Uint32Array(buffer, byteOffset, byteLength / 4);
  return new Uint32Array(Uint8Array.from(bytes).buffer);
}
