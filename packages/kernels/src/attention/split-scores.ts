import type { DeviceProfile, Dispatch, Tensor } from '@pleinair/tensor';
import { columnsOf } from '../shader/columns.js';
import { composeKernel } from '../shader/compose.js';
import { tensorBuffer } from '../shader/declare.js';
import { foldGrid } from '../shader/grid.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';
import { operandBytes, scoreBytes, splitMain, tileShare, type ScoreTile, type Sharing } from './split-tile.js';
import {
  accumulateText,
  headColumns,
  headLoadText,
  operandBuffers,
  productFlops,
  type AttentionProblem,
} from './variant.js';

const fields = {
  tasks: 'u32',
  queryBlocks: 'u32',
  keyBlocks: 'u32',
  firstHead: 'u32',
  firstQuery: 'u32',
  tileQueries: 'u32',
  queries: 'u32',
  keys: 'u32',
  blockKeys: 'u32',
  heads: 'u32',
  headDim: 'u32',
  headColumns: 'u32',
  qColumns: 'u32',
  kColumns: 'u32',
  scoreColumns: 'u32',
  scale: 'f32',
} satisfies UniformFields;

/** Keys an invocation makes scores with at once: as many running sums as a CPU's vector registers hold, twice over. */
const keysAtOnce = 8;

const keyRange = Array.from({ length: keysAtOnce }, (_, i) => i);

/** s·log₂e of a tile, `lowest` where a query does not see a key and in pad lanes. */
export function scoresDispatch(
  problem: AttentionProblem,
  tile: ScoreTile,
  scores: Tensor,
  sharing: Sharing,
  profile: DeviceProfile,
): Dispatch {
  const { q, k, causal } = problem;
  const operands = operandBuffers([['q', q], ['k', k]], profile); // prettier-ignore
  const lanes = sharing === 'subgroup' ? profile.subgroupMaxSize : 64;
  // Under `subgroup`, keys are passed round, so more queries a lane make more of each.
  const own = sharing === 'subgroup' ? [0, 1] : [0];
  const blockQueries = lanes * own.length;
  const kernel = composeKernel({
    name: `attention/split-scores-${sharing}`,
    buffers: [...operands.buffers, tensorBuffer('scores', scores, profile)],
    uniforms: fields,
    enables: sharing === 'subgroup' ? ['subgroups'] : [],
    body: `
${headLoadText('head_q', operands.names.get(q)!, 'u.qColumns', problem)}
${headLoadText('head_k', operands.names.get(k)!, 'u.kColumns', problem)}
const lowest = -3.0e38;
${accumulateText}

// Four scores of a query, if that column of scores is there.
fn put(tileHead: u32, inTile: u32, column: u32, s: vec4<f32>) {
  if (inTile >= u.tileQueries || column >= u.scoreColumns) { return; }
  let seen = ${causal ? 'min(u.firstQuery + inTile + 1u, u.keys)' : 'u.keys'};
  let key = vec4<u32>(column * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
  let at = (tileHead * u.tileQueries + inTile) * u.scoreColumns + column;
  store_scores(at, select(vec4<f32>(lowest), s * u.scale, key < vec4<u32>(seen)));
}

${splitMain(lanes, 'task / (u.queryBlocks * u.keyBlocks)')}
  let queryBlock = task % u.queryBlocks;
  let keyBlock = (task / u.queryBlocks) % u.keyBlocks;
${own
  .map(
    (t) => `  let inTile${t} = queryBlock * ${blockQueries}u + ${t * lanes}u + lane;
  let row${t} = image * u.queries + u.firstQuery + min(inTile${t}, u.tileQueries - 1u);`,
  )
  .join('\n')}
  let end = min((keyBlock + 1u) * u.blockKeys, u.keys);
  for (var key = keyBlock * u.blockKeys; key < end; key += ${keysAtOnce}u) {
${sharing === 'subgroup' ? keysPassedRound(lanes, own) : keysLoaded()}
${own
  .map((t) =>
    keyRange
      .filter((i) => i % 4 === 0)
      .map(
        (i) =>
          `    put(tileHead, inTile${t}, key / 4u + ${i / 4}u, vec4<f32>(${[0, 1, 2, 3].map((j) => `a${t}_${i + j}`).join(', ')}));`,
      )
      .join('\n'),
  )
  .join('\n')}
  }
}`,
  });
  // Long runs of keys a workgroup on software adapters, where starting one costs; short ones where there are many cores.
  const blockKeys = profile.isSoftware ? 64 : keysAtOnce;
  const queryBlocks = Math.ceil(tile.queries / blockQueries);
  const keyBlocks = Math.ceil(problem.keys / blockKeys);
  const tasks = tile.heads * queryBlocks * keyBlocks;
  return {
    kernel,
    bindings: [...operands.tensors, scores].map((tensor) => ({ tensor })),
    uniforms: uniformData(fields, {
      tasks,
      queryBlocks,
      keyBlocks,
      blockKeys,
      firstHead: tile.firstHead,
      firstQuery: tile.firstQuery,
      tileQueries: tile.queries,
      queries: problem.queries,
      keys: problem.keys,
      heads: problem.heads,
      headDim: problem.headDim,
      headColumns: headColumns(problem),
      qColumns: columnsOf(q),
      kColumns: columnsOf(k),
      scoreColumns: columnsOf(scores),
      scale: problem.scale * Math.LOG2E,
    }),
    workgroups: foldGrid(tasks, profile),
    flops: productFlops(problem) * tileShare(problem, tile),
    bytesMoved: operandBytes(problem, tile, q, k) + scoreBytes(problem, tile),
  };
}

function keysLoaded(): string {
  return `${keyRange.map((i) => `    let k${i} = image * u.keys + min(key + ${i}u, u.keys - 1u);\n    var a0_${i} = 0.0;`).join('\n')}
    for (var c = 0u; c < u.headColumns; c++) {
      let x = head_q(row0, head, c);
${keyRange.map((i) => `      a0_${i} = accumulate(x, head_k(k${i}, head, c), a0_${i});`).join('\n')}
    }`;
}

function keysPassedRound(lanes: number, own: readonly number[]): string {
  const loads = Array.from({ length: keysAtOnce / lanes }, (_, l) => l);
  return `${own.flatMap((t) => keyRange.map((i) => `    var a${t}_${i} = 0.0;`)).join('\n')}
${loads.map((l) => `    let k${l} = image * u.keys + min(key + ${l * lanes}u + lane, u.keys - 1u);`).join('\n')}
    for (var c = 0u; c < u.headColumns; c++) {
${own.map((t) => `      let x${t} = head_q(row${t}, head, c);`).join('\n')}
${loads.map((l) => `      let y${l} = head_k(k${l}, head, c);`).join('\n')}
${keyRange
  .map(
    (i) => `      let b${i} = subgroupBroadcast(y${Math.floor(i / lanes)}, ${i % lanes}u);
${own.map((t) => `      a${t}_${i} = accumulate(x${t}, b${i}, a${t}_${i});`).join('\n')}`,
  )
  .join('\n')}
    }`;
}
