import type { DeviceProfile, Dispatch, Tensor } from '@pleinair/tensor';
import { columnsOf } from '../shader/columns.js';
import { composeKernel } from '../shader/compose.js';
import { tensorBuffer } from '../shader/declare.js';
import { foldGrid } from '../shader/grid.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';
import { operandBytes, scoreBytes, splitMain, tileShare, type ScoreTile, type Sharing } from './split-tile.js';
import { headColumns, headLoadText, productFlops, type AttentionProblem } from './variant.js';

const fields = {
  tasks: 'u32',
  rowBlocks: 'u32',
  columnBlocks: 'u32',
  firstHead: 'u32',
  firstQuery: 'u32',
  tileQueries: 'u32',
  queries: 'u32',
  keys: 'u32',
  heads: 'u32',
  headDim: 'u32',
  headColumns: 'u32',
  vColumns: 'u32',
  outColumns: 'u32',
  scoreColumns: 'u32',
} satisfies UniformFields;

/** Rows a workgroup makes; each invocation holds one vec4 column of all of them. */
const blockRows = 16;
const rows = Array.from({ length: blockRows }, (_, i) => i);

/** Keys whose weights pass through workgroup memory at a time. */
const tileKeys = 32;

/** Σ 2^(s − maximum)·(1/Σ)·v of a tile. */
export function weightedDispatch(
  problem: AttentionProblem,
  tile: ScoreTile,
  scores: Tensor,
  statistics: Tensor,
  sharing: Sharing,
  profile: DeviceProfile,
): Dispatch {
  const { v, out } = problem;
  const columns = headColumns(problem);
  const lanes = sharing === 'subgroup' ? profile.subgroupMaxSize : columns <= 16 ? 16 : columns <= 32 ? 32 : 64;
  const kernel = composeKernel({
    name: `attention/split-weighted-${sharing}`,
    buffers: [
      tensorBuffer('scores', scores, profile),
      tensorBuffer('statistics', statistics, profile),
      tensorBuffer('values', v, profile),
      tensorBuffer('out', out, profile),
    ],
    uniforms: fields,
    enables: sharing === 'subgroup' ? ['subgroups'] : [],
    body: `
${headLoadText('head_v', 'values', 'u.vColumns', problem)}
${sharing === 'plain' ? `var<workgroup> weights: array<f32, ${blockRows * tileKeys}>;` : ''}

${splitMain(lanes, 'task / (u.rowBlocks * u.columnBlocks)')}
  let rowBlock = task % u.rowBlocks;
  let columnBlock = (task / u.rowBlocks) % u.columnBlocks;
  let column = columnBlock * ${lanes}u + lane;
  let readColumn = min(column, u.headColumns - 1u);
  let firstRow = rowBlock * ${blockRows}u;
${rows.map((r) => `  var o${r} = vec4<f32>(0.0);`).join('\n')}
${sharing === 'subgroup' ? weightsPassedRound(lanes) : weightsThroughMemory(lanes)}
  if (column >= u.headColumns) { return; }
  let at = (image * u.queries + u.firstQuery + firstRow) * u.outColumns + head * u.headColumns + column;
${rows.map((r) => `  if (firstRow + ${r}u < u.tileQueries) { store_out(at + ${r}u * u.outColumns, o${r}); }`).join('\n')}
}`,
  });
  const rowBlocks = Math.ceil(tile.queries / blockRows);
  const columnBlocks = Math.ceil(columns / lanes);
  const tasks = tile.heads * rowBlocks * columnBlocks;
  return {
    kernel,
    bindings: [{ tensor: scores }, { tensor: statistics }, { tensor: v }, { tensor: out }],
    uniforms: uniformData(fields, {
      tasks,
      rowBlocks,
      columnBlocks,
      firstHead: tile.firstHead,
      firstQuery: tile.firstQuery,
      tileQueries: tile.queries,
      queries: problem.queries,
      keys: problem.keys,
      heads: problem.heads,
      headDim: problem.headDim,
      headColumns: columns,
      vColumns: columnsOf(v),
      outColumns: columnsOf(out),
      scoreColumns: columnsOf(scores),
    }),
    workgroups: foldGrid(tasks, profile),
    flops: productFlops(problem) * tileShare(problem, tile),
    bytesMoved: operandBytes(problem, tile, out, v) + scoreBytes(problem, tile) + tile.heads * tile.queries * 16,
  };
}

/** Weights of 32 keys are made once by the workgroup, then read by all. */
function weightsThroughMemory(lanes: number): string {
  return `  for (var first = 0u; first < u.keys; first += ${tileKeys}u) {
    workgroupBarrier();
    for (var i = lane; i < ${(blockRows * tileKeys) / 4}u; i += ${lanes}u) {
      let row = i / ${tileKeys / 4}u;
      let four = i % ${tileKeys / 4}u;
      let scoreRow = tileHead * u.tileQueries + min(firstRow + row, u.tileQueries - 1u);
      let top = load_statistics(scoreRow);
      var p = vec4<f32>(0.0);
      if (first / 4u + four < u.scoreColumns) {
        p = exp2(load_scores(scoreRow * u.scoreColumns + first / 4u + four) - top.x) * top.y;
      }
${[0, 1, 2, 3].map((j) => `      weights[(four * 4u + ${j}u) * ${blockRows}u + row] = p[${j}];`).join('\n')}
    }
    workgroupBarrier();
    let count = min(${tileKeys}u, u.keys - first);
    for (var i = 0u; i < count; i++) {
      let x = head_v(image * u.keys + first + i, head, readColumn);
${rows.map((r) => `      o${r} = fma(x, vec4<f32>(weights[i * ${blockRows}u + ${r}u]), o${r});`).join('\n')}
    }
  }`;
}

/** Each lane makes the weights of its own rows, four keys at a time, and passes them round. Unseen keys weigh nothing. */
function weightsPassedRound(lanes: number): string {
  const own = Array.from({ length: blockRows / lanes }, (_, t) => t);
  return `${own
    .map(
      (t) => `  let row${t} = tileHead * u.tileQueries + min(firstRow + ${t * lanes}u + lane, u.tileQueries - 1u);
  let top${t} = load_statistics(row${t});`,
    )
    .join('\n')}
  for (var first = 0u; first < u.keys; first += 4u) {
${own.map((t) => `    let p${t} = exp2(load_scores(row${t} * u.scoreColumns + first / 4u) - top${t}.x) * top${t}.y;`).join('\n')}
${[0, 1, 2, 3].map((j) => `    let x${j} = head_v(image * u.keys + min(first + ${j}u, u.keys - 1u), head, readColumn);`).join('\n')}
${rows
  .map((r) => {
    const weight = (j: number): string => `subgroupBroadcast(p${Math.floor(r / lanes)}[${j}], ${r % lanes}u)`;
    // One sum a row and step, not four in turn: some adapters write variables to memory each time.
    return `    o${r} = ${[0, 1, 2, 3].reduce((sum, j) => `fma(x${j}, vec4<f32>(${weight(j)}), ${sum})`, `o${r}`)};`;
  })
  .join('\n')}
  }`;
}
