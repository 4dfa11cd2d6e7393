import {
  indexPiece,
  paletteBlockRows,
  paletteBlocks,
  paletteGroups,
  paletteOfRow,
  palettePiece,
  toHalfArray,
  type PackedPiece,
  type PaletteBits,
  type PaletteForm,
  type Weight,
} from '@pleinair/tensor';
import { randomHalves } from '@pleinair/testing';

/** Every width that weights are palettized in. */
export const paletteWidths: readonly PaletteBits[] = [1, 2, 3, 4, 6, 8];

/** Every width, and groups that do and do not fit into blocks of 32 rows. */
export const paletteForms: readonly PaletteForm[] = [
  ...paletteWidths.map((bits) => ({ bits })),
  { bits: 4, group: 64 },
  { bits: 3, group: 36 },
];

/** Random weights of which each group of rows holds at most `2^bits` distinct values, exact halves. */
export function palettizable(
  shape: readonly number[],
  form: PaletteForm,
  seed: number,
  scale = 0.5,
): Float32Array<ArrayBuffer> {
  const rows = shape[0]!;
  const size = 2 ** form.bits;
  const entries = randomHalves(paletteGroups(form, rows) * size, seed, scale);
  const picks = randomHalves(
    shape.reduce((a, b) => a * b, 1),
    seed + 1000,
  );
  const width = picks.length / rows;
  return picks.map((pick, i) => {
    const group = paletteOfRow(form, Math.floor(i / width));
    return entries[group * size + Math.min(size - 1, Math.floor(((pick + 1) / 2) * size))]!;
  });
}

/** Palettes and indices, as a palettized checkpoint holds them, of weights with few enough distinct values. */
export function palettizedPieces(weight: Weight, values: Float32Array<ArrayBuffer>): PackedPiece[] {
  const form = weight.palette!;
  const { shape } = weight.source;
  const rows = shape[0]!;
  const groups = paletteGroups(form, rows);
  const size = 2 ** form.bits;
  const width = values.length / rows;
  const palettes = new Float32Array(groups * size);
  const indexOf = Array.from({ length: groups }, (_, group) => {
    const per = (form.group || rows) * width;
    const distinct = [...new Set(values.subarray(group * per, (group + 1) * per))].sort((a, b) => a - b);
    if (distinct.length > size)
      throw new Error(`${weight.source.name}: ${distinct.length} values do not fit a palette.`);
    palettes.set(distinct, group * size);
    return new Map(distinct.map((value, i) => [value, i]));
  });
  const taps = (shape[2] ?? 1) * (shape[3] ?? 1);
  const channels = width / taps;
  const blocks = paletteBlocks(rows);
  const bytes = new Uint8Array(blocks * width * 4 * form.bits);
  for (let row = 0; row < rows; row++) {
    const group = paletteOfRow(form, row);
    for (let k = 0; k < width; k++) {
      const at = row * width + (k % channels) * taps + Math.floor(k / channels); // channels within taps
      const index = indexOf[group]!.get(values[at]!)!;
      const start =
        (Math.floor(row / paletteBlockRows) * width + k) * 32 * form.bits + (row % paletteBlockRows) * form.bits;
      for (let bit = 0; bit < form.bits; bit++) {
        if ((index >> bit) & 1) bytes[(start + bit) >> 3]! |= 1 << ((start + bit) & 7);
      }
    }
  }
  // In two pieces, as a loader streams them.
  const half = Math.floor(blocks / 2);
  const cut = half * width * 4 * form.bits;
  return [
    palettePiece(weight, toHalfArray(palettes)),
    ...(half > 0 ? [indexPiece(weight, bytes.slice(0, cut), 0, half)] : []),
    indexPiece(weight, bytes.slice(cut), half, blocks - half),
  ];
}
