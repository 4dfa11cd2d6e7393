import { paletteTableBytes, type PaletteBits, type PaletteForm, type Weight } from '@pleinair/tensor';
import { heldPalettes } from './held-palettes.js';
import { blockVec4s, blockWidth } from './layout.js';
import { columnMask, groupPalette } from './palette-text.js';
import type { ProductWeight, StagedText } from './parts.js';

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
    text: decodeText(
      form,
      ragged,
      `fn palette_entry(palette: u32, i: u32) -> f32 {
  let pair = unpack2x16float(w[palette + (i >> 1u)]);
  return select(pair.x, pair.y, (i & 1u) == 1u);
}`,
    ),
    heldText: (held) => heldPalettes(form, ragged, held),
    stagedText: (threads) => stagedPalette(form, ragged, threads),
  };
}

/**
 * The palette as a table in workgroup memory, looked up there: a GPU's lanes would otherwise each load from another place of
 * a buffer. Only where all columns share one.
 */
function stagedPalette(form: PaletteForm, ragged: boolean, threads: number): StagedText | undefined {
  if (form.group) return undefined;
  const pairs = 2 ** form.bits / 2;
  const text = decodeText(
    form,
    ragged,
    `var<workgroup> staged_palette: array<f32, ${2 * pairs}>;
fn palette_entry(palette: u32, i: u32) -> f32 { return staged_palette[i]; }
fn stage_weight(t: u32) {
  for (var i = t; i < ${pairs}u; i += ${threads}u) {
    let pair = unpack2x16float(w[i]);
    staged_palette[2u * i] = pair.x;
    staged_palette[2u * i + 1u] = pair.y;
  }
  workgroupBarrier();
}`,
  );
  return { text, bytes: 8 * pairs };
}

/**
 * `open_column` and `load_b` of palettized weights.
 *
 * @param ragged - The last column's padding must be masked: its indices say palette entry 0, which is no zero.
 * @param lookUp - Defines `palette_entry`, given the first word of a palette and an index.
 */
function decodeText(form: PaletteForm, ragged: boolean, lookUp: string): string {
  const { bits } = form;
  const size = 2 ** bits;
  const mask = columnMask(ragged);
  // A column is opened as where its word of row 0 lies, its vec4 within the block, and the first word of its palette.
  return `struct Column { at: u32, part: u32, palette: u32${mask.field} }
fn open_column(n4: u32) -> Column {
  let part = n4 % ${blockVec4s}u;
  return Column(u.w_indices + (n4 / ${blockVec4s}u) * u.k * ${bits}u, part, ${groupPalette(form)}${mask.value});
}
${lookUp}
fn load_b(column: Column, k: u32) -> vec4<f32> {
  ${directWords(bits)}
  let decoded = vec4(
    palette_entry(column.palette, quad & ${size - 1}u),
    palette_entry(column.palette, (quad >> ${bits}u) & ${size - 1}u),
    palette_entry(column.palette, (quad >> ${2 * bits}u) & ${size - 1}u),
    palette_entry(column.palette, (quad >> ${3 * bits}u) & ${size - 1}u),
  );
  return ${mask.applied};
}`;
}

/** Defines `quad`: the four indices of a column's vec4 at row k, the first in the lowest bits. */
function directWords(bits: PaletteBits): string {
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
