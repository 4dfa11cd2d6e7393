import { paletteTableBytes, type PaletteBits, type PaletteForm, type Weight } from '@pleinair/tensor';
import { blockVec4s, blockWidth } from './layout.js';
import type { ProductWeight } from './parts.js';

/**
 * A palettized weight, decoded as it loads: nothing else of it ever exists. Its buffer holds the palettes as half floats,
 * then, for each block of 32 columns and each k, 32 indices of `bits` bits: `bits` words.
 */
export function palettizedWeight(weight: Weight): ProductWeight {
  const form = weight.palette!;
  const rows = weight.source.shape[0]!;
  const ragged = rows % 4 !== 0;
  return {
    kind: 'weight',
    columns: Math.ceil(rows / blockWidth) * blockVec4s,
    operands: [{ declaration: { name: 'w', form: 'u32', access: 'read' }, source: weight }],
    uniforms: {
      w_indices: 'u32',
      ...(form.group ? { w_group4: 'u32' as const } : {}),
      ...(ragged ? { w_rows: 'u32' as const } : {}),
    },
    values: {
      w_indices: paletteTableBytes(form, rows) / 4,
      ...(form.group ? { w_group4: form.group / 4 } : {}),
      ...(ragged ? { w_rows: rows } : {}),
    },
    text: decodeText(form, ragged),
  };
}

/**
 * `open_column` and `load_b` of palettized weights.
 *
 * @param ragged - The last column's padding must be masked: its indices say palette entry 0, which is no zero.
 */
function decodeText({ bits, group }: PaletteForm, ragged: boolean): string {
  const size = 2 ** bits;
  // A column is opened as where its word of row 0 lies, its vec4 within the block, and the first word of its palette.
  return `struct Column { at: u32, part: u32, palette: u32${ragged ? ', lanes: vec4<bool>' : ''} }
fn open_column(n4: u32) -> Column {
  let part = n4 % ${blockVec4s}u;
  // Palettes past the last one belong to padding: any will do.
  return Column(u.w_indices + (n4 / ${blockVec4s}u) * u.k * ${bits}u, part, ${group ? `(n4 / u.w_group4) * ${size / 2}u` : '0u'}${ragged ? ', vec4(4u * n4) + vec4(0u, 1u, 2u, 3u) < vec4(u.w_rows)' : ''});
}
fn palette_entry(palette: u32, i: u32) -> f32 {
  let pair = unpack2x16float(w[palette + (i >> 1u)]);
  return select(pair.x, pair.y, (i & 1u) == 1u);
}
fn load_b(column: Column, k: u32) -> vec4<f32> {
  ${bitsText(bits)}
  let decoded = vec4(
    palette_entry(column.palette, quad & ${size - 1}u),
    palette_entry(column.palette, (quad >> ${bits}u) & ${size - 1}u),
    palette_entry(column.palette, (quad >> ${2 * bits}u) & ${size - 1}u),
    palette_entry(column.palette, (quad >> ${3 * bits}u) & ${size - 1}u),
  );
  return ${ragged ? 'select(vec4<f32>(), decoded, column.lanes)' : 'decoded'};
}`;
}

/** Defines `quad`: the four indices of a column's vec4 at row k, the first in the lowest bits. */
function bitsText(bits: PaletteBits): string {
  const row = `column.at + k * ${bits}u`;
  if (bits === 8) return `let quad = w[${row} + column.part];`;
  const from = `column.part * ${4 * bits}u`;
  if (32 % (4 * bits) === 0) return `let quad = w[${row} + (${from}) / 32u] >> ((${from}) % 32u);`;
  // Of 3 and 6 bits, a vec4 may begin in one word and end in the next.
  return `let first = ${row} + (${from}) / 32u;
  let shift = (${from}) % 32u;
  var quad = w[first] >> shift;
  if (shift > ${32 - 4 * bits}u) { quad |= w[first + 1u] << (32u - shift); }`;
}
