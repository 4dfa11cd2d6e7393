import type { PaletteForm } from '@pleinair/tensor';
import { blockVec4s, blockWidth } from './layout.js';
import { columnMask, groupPalette } from './palette-text.js';
import type { HeldColumns } from './parts.js';

/** 32-bit words of a block's row in each run that a subgroup loads together, one a lane. */
const run = blockVec4s;

/**
 * Text of a palettized weight whose columns are held for all of K: `hold_column` and `load_b4`. For software adapters, where
 * every single load costs as much as a dozen operations on registers.
 *
 * Where a subgroup covers a block, its lanes load the words of four rows between them, one each, and shuffle them to
 * whom they serve; of up to 6 bits the palette, too, lies in the subgroup's registers and is looked up by shuffling.
 * Otherwise each invocation has a table of its own.
 *
 * @returns Nothing for subgroups so wide that they are a GPU's: there the plain look-up is better than private tables.
 */
export function heldPalettes(form: PaletteForm, ragged: boolean, held: HeldColumns): string | undefined {
  if (held.lanes > blockVec4s) return undefined;
  const shared = held.lanes === blockVec4s && held.aligned;
  const onePalette = !form.group || form.group % blockWidth === 0;
  const table = shared && onePalette && form.bits <= 6 ? shuffledTable(form) : privateTable(form, held.sets);
  const mask = columnMask(ragged);
  const index = (i: number): string => `decode(column, (quad >> ${i * form.bits}u) & ${2 ** form.bits - 1}u)`;
  return `struct Column { at: u32, part: u32, ${table.fields}${mask.field} }
${table.text}
fn hold_column(column_set: u32, first: u32, lane: u32) -> Column {
  let n4 = min(first + lane, u.w_columns - 1u);
  let palette = ${groupPalette(form)};
  ${table.open}
  return Column(u.w_indices + (n4 / ${blockVec4s}u) * u.k * ${form.bits}u${shared ? ' + lane' : ''}, n4 % ${blockVec4s}u, ${table.values}${mask.value});
}
fn decode_quad(column: Column, quad: u32) -> vec4<f32> {
  let decoded = vec4(${[0, 1, 2, 3].map(index).join(', ')});
  return ${mask.applied};
}
fn load_b4(column: Column, k: u32) -> array<vec4<f32>, 4> {
${shared ? sharedQuads(form) : ownQuads(form)}
  return array(decode_quad(column, quad0), decode_quad(column, quad1), decode_quad(column, quad2), decode_quad(column, quad3));
}`;
}

/** A palette as a column finds it: what `Column` holds of it, and `decode(column, i)`. */
interface Table {
  readonly fields: string;
  readonly text: string;
  /** Statements of `hold_column`, given `palette`, its first word, `column_set` and `lane`. */
  readonly open: string;
  /** The fields' values. */
  readonly values: string;
}

/** The palette of a whole block in registers of its subgroup: floats of up to 8 entries, else pairs of halves. */
function shuffledTable({ bits }: PaletteForm): Table {
  const size = 2 ** bits;
  if (size <= blockVec4s) {
    return {
      fields: 'entry: f32',
      text: `fn decode(column: Column, i: u32) -> f32 { return subgroupShuffle(column.entry, i); }`,
      open: `let pair = unpack2x16float(w[palette + ((lane & ${size - 1}u) >> 1u)]);`,
      values: 'select(pair.x, pair.y, (lane & 1u) == 1u)',
    };
  }
  const registers = size / 2 / blockVec4s;
  const names = Array.from({ length: registers }, (_, r) => `pairs${r}`);
  // Entry i is half of pair i / 2; a register holds eight of those.
  const pick = (from: number, count: number): string =>
    count === 1
      ? `subgroupShuffle(column.pairs${from}, at)`
      : `select(${pick(from, count / 2)}, ${pick(from + count / 2, count / 2)}, (i & ${count * blockVec4s}u) != 0u)`;
  return {
    fields: names.map((name) => `${name}: u32`).join(', '),
    text: `fn decode(column: Column, i: u32) -> f32 {
  let at = (i >> 1u) & ${blockVec4s - 1}u;
  return unpack2x16float(${pick(0, registers)} >> ((i & 1u) << 4u)).x;
}`,
    open: '',
    values: names.map((_, r) => `w[palette + ${r * blockVec4s}u + lane]`).join(', '),
  };
}

/** Tables of floats of each invocation's own: one, or with groups one a set of columns. */
function privateTable({ bits, group }: PaletteForm, sets: number): Table {
  const size = 2 ** bits;
  const fill = `for (var i = 0u; i < ${size / 2}u; i++) {
    let pair = unpack2x16float(w[palette + i]);
    own_palette[table + 2u * i] = pair.x;
    own_palette[table + 2u * i + 1u] = pair.y;
  }`;
  return {
    fields: 'table: u32',
    text: `var<private> own_palette: array<f32, ${size * (group ? sets : 1)}>;
fn decode(column: Column, i: u32) -> f32 { return own_palette[column.table + i]; }`,
    open: group
      ? `let table = column_set * ${size}u;\n  ${fill}`
      : `let table = 0u;\n  if (column_set == 0u) { ${fill} }`,
    values: 'table',
  };
}

/**
 * Defines `quad0` … `quad3` of rows k … k + 3, each invocation loading its own words. Of 3 and 6 bits it loads two for each
 * row: some lane's indices always end in the second one, and a branch costs more.
 */
function ownQuads({ bits }: PaletteForm): string {
  const straddles = 32 % (4 * bits) !== 0;
  const rows = [0, 1, 2, 3].map((i) => {
    const word = `w[at + ${i * bits}u]`;
    return straddles
      ? `  let quad${i} = (${word} >> shift) | select(0u, w[at + ${i * bits + 1}u] << ((32u - shift) & 31u), shift > ${32 - 4 * bits}u);`
      : `  let quad${i} = ${word} >> shift;`;
  });
  return `  let at = column.at + k * ${bits}u + (column.part * ${4 * bits}u) / 32u;
  let shift = (column.part * ${4 * bits}u) % 32u;
${rows.join('\n')}`;
}

/**
 * Defines `quad0` … `quad3` from words that the lanes of a subgroup load together: the four rows' `4 · bits` words lie one
 * after another, lane l loads words l, l + 8 and so on of them.
 */
function sharedQuads({ bits }: PaletteForm): string {
  const loads = Array.from(
    { length: Math.ceil((4 * bits) / run) },
    (_, j) => `  let words${j} = w[column.at + k * ${bits}u + ${j * run}u];`,
  );
  // Word `offset` words into its row i, plus the one in which the column's indices begin: which differs by lane.
  const word = (i: number, offset: number): string => {
    if (bits === 8) return `words${i}`;
    if (bits === 1) return `subgroupBroadcast(words0, ${i}u)`;
    const [low, high] = [i * bits + offset, Math.min(i * bits + bits - 1 + offset, 4 * bits - 1)];
    const [from, to] = [Math.floor(low / run), Math.floor(high / run)];
    const at = `(first + ${low}u)`;
    const shuffled = (j: number): string => `subgroupShuffle(words${j}, ${at} & ${run - 1}u)`;
    return from === to ? shuffled(from) : `select(${shuffled(from)}, ${shuffled(to)}, ${at} >= ${run * to}u)`;
  };
  // Of 3 and 6 bits, a vec4 may begin in one word and end in the next.
  const straddles = 32 % (4 * bits) !== 0;
  const quads = [0, 1, 2, 3].map((i) =>
    straddles
      ? `  let quad${i} = (${word(i, 0)} >> shift) | select(0u, ${word(i, 1)} << ((32u - shift) & 31u), shift > ${32 - 4 * bits}u);`
      : `  let quad${i} = ${word(i, 0)} >> shift;`,
  );
  return `  let first = (column.part * ${4 * bits}u) / 32u;
  let shift = (column.part * ${4 * bits}u) % 32u;
${[...loads, ...quads].join('\n')}`;
}
