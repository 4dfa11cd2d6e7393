import type { PaletteBits, PaletteForm } from '@pleinair/tensor';

/** First word of the palette of vec4 column `n4`. Palettes past the last one belong to padding: any will do. */
export function groupPalette({ bits, group }: PaletteForm): string {
  return group ? `(n4 / u.w_group4) * ${2 ** bits / 2}u` : '0u';
}

/** A column's mask of lanes that are no padding: a field of `Column`, its value of `n4`, and `decoded` under it. */
export function columnMask(ragged: boolean): { field: string; value: string; applied: string } {
  return ragged
    ? {
        field: ', lanes: vec4<bool>',
        value: ', vec4(4u * n4) + vec4(0u, 1u, 2u, 3u) < vec4(u.w_rows)',
        applied: 'select(vec4<f32>(), decoded, column.lanes)',
      }
    : { field: '', value: '', applied: 'decoded' };
}

/** Defines `quad`: the four indices of a column's vec4 at row k, the first in the lowest bits. */
export function directWords(bits: PaletteBits, k: string): string {
  const row = `column.at + ${k} * ${bits}u`;
  if (bits === 8) return `let quad = w[${row} + column.part];`;
  const from = `column.part * ${4 * bits}u`;
  if (32 % (4 * bits) === 0) return `let quad = w[${row} + (${from}) / 32u] >> ((${from}) % 32u);`;
  // Of 3 and 6 bits, a vec4 may begin in one word and end in the next.
  return `let first = ${row} + (${from}) / 32u;
  let shift = (${from}) % 32u;
  var quad = w[first] >> shift;
  if (shift > ${32 - 4 * bits}u) { quad |= w[first + 1u] << (32u - shift); }`;
}
