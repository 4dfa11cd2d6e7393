/** The three kernels of `split.ts`. A tile's score rows are numbered head by head, query by query. */
import type { DeviceProfile, Dispatch, Tensor } from '@pleinair/tensor';
import { composeKernel } from '../shader/compose.js';
import { tensorBuffer } from '../shader/declare.js';
import { foldGrid, groupIndexText } from '../shader/grid.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';
import { headColumns, headLoadText, operandBuffers, productFlops, type AttentionProblem } from './variant.js';

/** A run of heads (numbered through all images) and of their queries. */
export interface ScoreTile {
  readonly firstHead: number;
  readonly heads: number;
  readonly firstQuery: number;
  readonly queries: number;
}

const main = (lanes: number): string =>
  `@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let task = ${groupIndexText};
  if (task >= u.tasks) { return; }`;

const columnsOf = (t: Tensor): number => Math.ceil(t.shape[t.shape.length - 1]! / 4);

const scoresFields = {
  tasks: 'u32',
  queryBlocks: 'u32',
  keyBlocks: 'u32',
  firstHead: 'u32',
  firstQuery: 'u32',
  tileQueries: 'u32',
  queries: 'u32',
  keys: 'u32',
  heads: 'u32',
  qColumns: 'u32',
  kColumns: 'u32',
  scoreColumns: 'u32',
  scale: 'f32',
} satisfies UniformFields;

const scoreLanes = 64;
const scoreKeys = 16;

/** s·log₂e of a tile; one invocation makes one query's scores with 16 keys. Unseen keys and pad lanes get the lowest. */
export function scoresDispatch(
  problem: AttentionProblem,
  tile: ScoreTile,
  scores: Tensor,
  profile: DeviceProfile,
): Dispatch {
  const { q, k, causal } = problem;
  const operands = operandBuffers([['q', q], ['k', k]], profile); // prettier-ignore
  const keys = Array.from({ length: scoreKeys }, (_, i) => i);
  const kernel = composeKernel({
    name: 'attention/split-scores',
    buffers: [...operands.buffers, tensorBuffer('scores', scores, profile)],
    uniforms: scoresFields,
    body: `
${headLoadText('head_q', operands.names.get(q)!, 'u.qColumns', problem)}
${headLoadText('head_k', operands.names.get(k)!, 'u.kColumns', problem)}
const lowest = -3.0e38;

${main(scoreLanes)}
  let queryBlock = task % u.queryBlocks;
  let keyBlock = (task / u.queryBlocks) % u.keyBlocks;
  let tileHead = task / (u.queryBlocks * u.keyBlocks);
  let image = (u.firstHead + tileHead) / u.heads;
  let head = (u.firstHead + tileHead) % u.heads;
  let inTile = queryBlock * ${scoreLanes}u + lane;
  let query = u.firstQuery + min(inTile, u.tileQueries - 1u);
  let queryRow = image * u.queries + query;
  let firstKey = keyBlock * ${scoreKeys}u;
${keys.map((i) => `  let k${i} = image * u.keys + min(firstKey + ${i}u, u.keys - 1u);\n  var a${i} = vec4<f32>(0.0);`).join('\n')}
  for (var c = 0u; c < ${headColumns(problem)}u; c++) {
    let x = head_q(queryRow, head, c);
${keys.map((i) => `    a${i} = fma(x, head_k(k${i}, head, c), a${i});`).join('\n')}
  }
  if (inTile >= u.tileQueries) { return; }
  let at = (tileHead * u.tileQueries + inTile) * u.scoreColumns;
  let seen = ${causal ? 'min(query + 1u, u.keys)' : 'u.keys'};
${[0, 4, 8, 12]
  .map(
    (i) => `  if (firstKey / 4u + ${i / 4}u < u.scoreColumns) {
    let s = vec4<f32>(${[0, 1, 2, 3].map((j) => `dot(a${i + j}, vec4<f32>(u.scale))`).join(', ')});
    let key = vec4<u32>(firstKey + ${i}u) + vec4<u32>(0u, 1u, 2u, 3u);
    store_scores(at + firstKey / 4u + ${i / 4}u, select(vec4<f32>(lowest), s, key < vec4<u32>(seen)));
  }`,
  )
  .join('\n')}
}`,
  });
  const queryBlocks = Math.ceil(tile.queries / scoreLanes);
  const keyBlocks = Math.ceil(problem.keys / scoreKeys);
  const tasks = tile.heads * queryBlocks * keyBlocks;
  return {
    kernel,
    bindings: [...operands.tensors, scores].map((tensor) => ({ tensor })),
    uniforms: uniformData(scoresFields, {
      tasks,
      queryBlocks,
      keyBlocks,
      firstHead: tile.firstHead,
      firstQuery: tile.firstQuery,
      tileQueries: tile.queries,
      queries: problem.queries,
      keys: problem.keys,
      heads: problem.heads,
      qColumns: columnsOf(q),
      kColumns: columnsOf(k),
      scoreColumns: columnsOf(scores),
      scale: problem.scale * Math.LOG2E,
    }),
    workgroups: foldGrid(tasks, profile),
    flops: productFlops(problem) * tileShare(problem, tile),
    bytesMoved: operandBytes(problem, tile, 'scores') + scoreBytes(problem, tile),
  };
}

const statisticsFields = { tasks: 'u32', scoreColumns: 'u32' } satisfies UniformFields;
const statisticsLanes = 64;

/** Maximum and 1/Σ 2^(s − maximum) of every score row; a workgroup a row. */
export function statisticsDispatch(
  problem: AttentionProblem,
  tile: ScoreTile,
  scores: Tensor,
  statistics: Tensor,
  profile: DeviceProfile,
): Dispatch {
  const lanes = statisticsLanes;
  const reduce = (name: string, join: string): string => `fn ${name}(lane: u32, v: f32) -> f32 {
  workgroupBarrier();
  parts[lane] = v;
  for (var half = ${lanes / 2}u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { parts[lane] = ${join}; }
  }
  workgroupBarrier();
  return parts[0];
}`;
  const kernel = composeKernel({
    name: 'attention/split-statistics',
    buffers: [tensorBuffer('scores', scores, profile), tensorBuffer('statistics', statistics, profile)],
    uniforms: statisticsFields,
    body: `
var<workgroup> parts: array<f32, ${lanes}>;
${reduce('teamMax', 'max(parts[lane], parts[lane + half])')}
${reduce('teamSum', 'parts[lane] + parts[lane + half]')}

${main(lanes)}
  let row = task * u.scoreColumns;
  var best = vec4<f32>(-3.0e38);
  for (var c = lane; c < u.scoreColumns; c += ${lanes}u) { best = max(best, load_scores(row + c)); }
  let top = teamMax(lane, max(max(best.x, best.y), max(best.z, best.w)));
  var sum = vec4<f32>(0.0);
  for (var c = lane; c < u.scoreColumns; c += ${lanes}u) { sum += exp2(load_scores(row + c) - top); }
  let total = teamSum(lane, dot(sum, vec4<f32>(1.0)));
  if (lane == 0u) { store_statistics(task, vec4<f32>(top, 1.0 / total, 0.0, 0.0)); }
}`,
  });
  const tasks = tile.heads * tile.queries;
  return {
    kernel,
    bindings: [{ tensor: scores }, { tensor: statistics }],
    uniforms: uniformData(statisticsFields, { tasks, scoreColumns: columnsOf(scores) }),
    workgroups: foldGrid(tasks, profile),
    flops: 3 * tasks * problem.keys,
    bytesMoved: scoreBytes(problem, tile) + tasks * 16,
  };
}

const weightedFields = {
  tasks: 'u32',
  rowBlocks: 'u32',
  columnBlocks: 'u32',
  firstHead: 'u32',
  firstQuery: 'u32',
  tileQueries: 'u32',
  queries: 'u32',
  keys: 'u32',
  heads: 'u32',
  vColumns: 'u32',
  outColumns: 'u32',
  scoreColumns: 'u32',
} satisfies UniformFields;

const weightedRows = 16;
const weightedKeys = 32;

/** Σ softmax(s)·v; a workgroup makes 16 rows of one head, each invocation one vec4 column of them. */
export function weightedDispatch(
  problem: AttentionProblem,
  tile: ScoreTile,
  scores: Tensor,
  statistics: Tensor,
  profile: DeviceProfile,
): Dispatch {
  const { v, out } = problem;
  const columns = headColumns(problem);
  const lanes = columns <= 16 ? 16 : columns <= 32 ? 32 : 64;
  const rows = Array.from({ length: weightedRows }, (_, i) => i);
  const kernel = composeKernel({
    name: 'attention/split-weighted',
    buffers: [
      tensorBuffer('scores', scores, profile),
      tensorBuffer('statistics', statistics, profile),
      tensorBuffer('values', v, profile),
      tensorBuffer('out', out, profile),
    ],
    uniforms: weightedFields,
    body: `
${headLoadText('head_v', 'values', 'u.vColumns', problem)}
var<workgroup> weights: array<f32, ${weightedRows * weightedKeys}>;

${main(lanes)}
  let rowBlock = task % u.rowBlocks;
  let columnBlock = (task / u.rowBlocks) % u.columnBlocks;
  let tileHead = task / (u.rowBlocks * u.columnBlocks);
  let image = (u.firstHead + tileHead) / u.heads;
  let head = (u.firstHead + tileHead) % u.heads;
  let column = columnBlock * ${lanes}u + lane;
  let readColumn = min(column, ${columns - 1}u);
  let firstRow = rowBlock * ${weightedRows}u;
${rows.map((r) => `  var o${r} = vec4<f32>(0.0);`).join('\n')}
  for (var first = 0u; first < u.keys; first += ${weightedKeys}u) {
    workgroupBarrier();
    for (var i = lane; i < ${(weightedRows * weightedKeys) / 4}u; i += ${lanes}u) {
      let row = i / ${weightedKeys / 4}u;
      let four = i % ${weightedKeys / 4}u;
      let scoreRow = tileHead * u.tileQueries + min(firstRow + row, u.tileQueries - 1u);
      let top = load_statistics(scoreRow);
      var p = vec4<f32>(0.0);
      if (first / 4u + four < u.scoreColumns) {
        p = exp2(load_scores(scoreRow * u.scoreColumns + first / 4u + four) - top.x) * top.y;
      }
${[0, 1, 2, 3].map((j) => `      weights[(four * 4u + ${j}u) * ${weightedRows}u + row] = p[${j}];`).join('\n')}
    }
    workgroupBarrier();
    let count = min(${weightedKeys}u, u.keys - first);
    for (var i = 0u; i < count; i++) {
      let x = head_v(image * u.keys + first + i, head, readColumn);
${rows.map((r) => `      o${r} = fma(x, vec4<f32>(weights[i * ${weightedRows}u + ${r}u]), o${r});`).join('\n')}
    }
  }
  if (column >= ${columns}u) { return; }
  let at = (image * u.queries + u.firstQuery + firstRow) * u.outColumns + head * ${columns}u + column;
${rows.map((r) => `  if (firstRow + ${r}u < u.tileQueries) { store_out(at + ${r}u * u.outColumns, o${r}); }`).join('\n')}
}`,
  });
  const rowBlocks = Math.ceil(tile.queries / weightedRows);
  const columnBlocks = Math.ceil(columns / lanes);
  const tasks = tile.heads * rowBlocks * columnBlocks;
  return {
    kernel,
    bindings: [{ tensor: scores }, { tensor: statistics }, { tensor: v }, { tensor: out }],
    uniforms: uniformData(weightedFields, {
      tasks,
      rowBlocks,
      columnBlocks,
      firstHead: tile.firstHead,
      firstQuery: tile.firstQuery,
      tileQueries: tile.queries,
      queries: problem.queries,
      keys: problem.keys,
      heads: problem.heads,
      vColumns: columnsOf(v),
      outColumns: columnsOf(out),
      scoreColumns: columnsOf(scores),
    }),
    workgroups: foldGrid(tasks, profile),
    flops: productFlops(problem) * tileShare(problem, tile),
    bytesMoved: operandBytes(problem, tile, 'weighted') + scoreBytes(problem, tile) + tile.heads * tile.queries * 16,
  };
}

/** The part of all query rows that a tile covers. */
function tileShare({ batch, heads, queries }: AttentionProblem, tile: ScoreTile): number {
  return (tile.heads * tile.queries) / (batch * heads * queries);
}

function scoreBytes({ keys }: AttentionProblem, tile: ScoreTile): number {
  return tile.heads * tile.queries * Math.ceil(keys / 4) * 16;
}

/** Rows of q and k, or of v and the output, that a tile touches. */
function operandBytes(problem: AttentionProblem, tile: ScoreTile, stage: 'scores' | 'weighted'): number {
  const perQuery = stage === 'scores' ? problem.q : problem.out;
  const perKey = stage === 'scores' ? problem.k : problem.v;
  const bytes = (t: Tensor): number => headColumns(problem) * (t.dtype === 'f16' ? 8 : 16);
  return tile.heads * (tile.queries * bytes(perQuery) + problem.keys * bytes(perKey));
}
