/**
 * The two products of split attention as products like any other: the parts that `product/` puts together with a variant, a
 * head being one product of a batch. So every way to share a product out, tiles, columns or subgroup matrices, serves
 * attention too.
 *
 * Scores multiply queries by transposed keys, which lie as weights do. The second product reads raw scores and applies the
 * exponential as they load; 1/Σ waits until a sum is finished, where it is one factor a value.
 */
import { tensorBytes, type DeviceProfile, type Tensor } from '@pleinair/tensor';
import { blockVec4s } from '../product/layout.js';
import type { Operand, Product } from '../product/parts.js';
import { columnsOf } from '../shader/columns.js';
import { tensorBuffer } from '../shader/declare.js';
import type { UniformFields } from '../shader/uniforms.js';
import { keyBlock, scoreBytes, type ScoreTile } from './score-tiles.js';
import { transposedBytes, type KeyRun } from './transpose-keys.js';
import { headColumns, headLoadText, headsAligned, type AttentionProblem } from './variant.js';

/** Scratch of one tile. */
export interface SplitScratch {
  /** Raw scores, f32 `[heads·queries, keys]`. */
  readonly scores: Tensor;
  /** Maximum and 1/Σ of every score row, f32 `[heads·queries, 2]`. */
  readonly statistics: Tensor;
  /** As `k`. */
  readonly transposed: Tensor;
}

const tileUniforms = {
  first_head: 'u32',
  first_query: 'u32',
  tile_queries: 'u32',
  queries: 'u32',
  keys: 'u32',
  heads: 'u32',
  headDim: 'u32',
  headColumns: 'u32',
  score_columns: 'u32',
} satisfies UniformFields;

function tileValues(
  problem: AttentionProblem,
  tile: ScoreTile,
  scores: Tensor,
): Record<keyof typeof tileUniforms, number> {
  const { queries, keys, heads, headDim } = problem;
  return {
    first_head: tile.firstHead,
    first_query: tile.firstQuery,
    tile_queries: tile.queries,
    queries,
    keys,
    heads,
    headDim,
    headColumns: headColumns(problem),
    score_columns: columnsOf(scores),
  };
}

const headText = `fn tile_image() -> u32 { return (u.first_head + batch) / u.heads; }
fn tile_head() -> u32 { return (u.first_head + batch) % u.heads; }`;

/** Raw scores of a tile against a run of its keys: s·log₂e, `lowest` where a query does not see a key and in pad lanes. */
export function scoresProduct(
  problem: AttentionProblem,
  tile: ScoreTile,
  run: KeyRun,
  { scores, transposed }: SplitScratch,
  profile: DeviceProfile,
): Product {
  const { q, causal } = problem;
  const blocks = Math.ceil(run.keys / keyBlock);
  return {
    batches: tile.heads,
    input: {
      kind: 'input',
      operands: [touched('q', q, rowsBytes(problem, q, tile.heads * tile.queries), profile)],
      uniforms: { ...tileUniforms, q_columns: 'u32' },
      values: { ...tileValues(problem, tile, scores), q_columns: columnsOf(q) },
      rows: tile.queries,
      bandRows: 1,
      paddedK: headColumns(problem) * 4,
      text: `${headText}
${headLoadText('head_q', 'q', 'u.q_columns', problem)}
struct Row { row: u32, head: u32 }
const SEGMENTS = 1u;
fn segment_length(s: u32) -> u32 { return u.headColumns; }
fn open_row(m: u32) -> Row {
  return Row(tile_image() * u.queries + u.first_query + min(m, u.m_end - 1u), tile_head());
}
fn row_start(row: Row, s: u32) -> u32 { return ${headsAligned(problem) ? 'row.row * u.q_columns + row.head * u.headColumns' : '0u'}; }
fn load_a(row: Row, start: u32, s: u32, k: u32) -> vec4<f32> { return ${headsAligned(problem) ? 'load_q(start + k)' : 'head_q(row.row, row.head, k)'}; }`,
    },
    weight: {
      kind: 'weight',
      columns: blocks * blockVec4s,
      operands: [touched('transposed', transposed, transposedBytes(problem, tile.heads, run.keys), profile)],
      uniforms: { key_blocks: 'u32' },
      values: { key_blocks: blocks },
      text: `fn open_column(n4: u32) -> u32 {
  return (batch * u.key_blocks + n4 / ${blockVec4s}u) * u.k * ${blockVec4s}u + n4 % ${blockVec4s}u;
}
fn load_b(column: u32, k: u32) -> vec4<f32> { return load_transposed(column + k * ${blockVec4s}u); }`,
    },
    epilogue: {
      kind: 'epilogue',
      gated: false,
      columns: run.keys,
      operands: [touched('scores', scores, (scoreBytes(problem, tile) * run.keys) / problem.keys, profile)],
      uniforms: { first_key4: 'u32', scale: 'f32' },
      // exp2 instead of exp: the change of base goes into the factor.
      values: { first_key4: run.firstKey / 4, scale: problem.scale * Math.LOG2E },
      text: `const lowest = -3.0e38;
fn finish(m: u32, n4: u32, sum: vec4<f32>) {
  let column = u.first_key4 + n4;
  let key = vec4<u32>(column * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
  let seen = ${causal ? 'min(u.first_query + m + 1u, u.keys)' : 'u.keys'};
  let at = (batch * u.tile_queries + m) * u.score_columns + column;
  store_scores(at, select(vec4<f32>(lowest), sum * u.scale, key < vec4<u32>(seen)));
}`,
    },
  };
}

/** Σ 2^(s − maximum)·v, times 1/Σ, of a tile. */
export function weightedProduct(
  problem: AttentionProblem,
  tile: ScoreTile,
  { scores, statistics }: SplitScratch,
  profile: DeviceProfile,
): Product {
  const { v, out, keys } = problem;
  const rows = tile.heads * tile.queries;
  const aligned = headsAligned(problem);
  return {
    batches: tile.heads,
    input: {
      kind: 'input',
      operands: [
        touched('scores', scores, scoreBytes(problem, tile), profile),
        touched('statistics', statistics, rows * 16, profile),
      ],
      uniforms: tileUniforms,
      values: tileValues(problem, tile, scores),
      rows: tile.queries,
      bandRows: 1,
      paddedK: columnsOf(scores) * 4,
      // At most 1 and multiplied by halves: what rounding loses is what storing the output in halves does.
      halves: v.dtype === 'f16',
      text: `${headText}
struct Row { start: u32, top: f32 }
const SEGMENTS = 1u;
fn segment_length(s: u32) -> u32 { return u.score_columns; }
fn open_row(m: u32) -> Row {
  let row = batch * u.tile_queries + min(m, u.m_end - 1u);
  return Row(row * u.score_columns, load_statistics(row).x);
}
fn row_start(row: Row, s: u32) -> u32 { return row.start; }
// Keys that a query does not see, and pad lanes, are so low that they weigh nothing.
fn load_a(row: Row, start: u32, s: u32, k: u32) -> vec4<f32> { return exp2(load_scores(start + k) - row.top); }`,
    },
    weight: {
      kind: 'weight',
      columns: headColumns(problem),
      operands: [touched('values', v, rowsBytes(problem, v, tile.heads * keys), profile)],
      uniforms: { v_columns: 'u32' },
      values: { v_columns: columnsOf(v) },
      text: aligned
        ? `fn open_column(n4: u32) -> u32 { return tile_image() * u.keys * u.v_columns + tile_head() * u.headColumns + n4; }
fn load_b(column: u32, k: u32) -> vec4<f32> { return load_values(column + min(k, u.keys - 1u) * u.v_columns); }`
        : `${headLoadText('head_v', 'values', 'u.v_columns', problem)}
fn open_column(n4: u32) -> u32 { return n4; }
fn load_b(column: u32, k: u32) -> vec4<f32> {
  return head_v(tile_image() * u.keys + min(k, u.keys - 1u), tile_head(), column);
}`,
    },
    epilogue: {
      kind: 'epilogue',
      gated: false,
      columns: headColumns(problem) * 4,
      operands: [touched('out', out, rowsBytes(problem, out, rows), profile)],
      uniforms: { out_columns: 'u32' },
      values: { out_columns: columnsOf(out) },
      text: `fn finish(m: u32, n4: u32, sum: vec4<f32>) {
  let at = (tile_image() * u.queries + u.first_query + m) * u.out_columns + tile_head() * u.headColumns + n4;
  store_out(at, sum * load_statistics(batch * u.tile_queries + m).y);
}`,
    },
  };
}

/** An operand bound whole of which a dispatch touches so many bytes. */
function touched(name: string, tensor: Tensor, bytes: number, profile: DeviceProfile): Operand {
  return { declaration: tensorBuffer(name, tensor, profile), source: tensor, traffic: bytes / tensorBytes(tensor) };
}

/** Bytes of so many rows of one head in a tensor. */
function rowsBytes(problem: AttentionProblem, tensor: Tensor, rows: number): number {
  return rows * headColumns(problem) * (tensor.dtype === 'f16' ? 8 : 16);
}
