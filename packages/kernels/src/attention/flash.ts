/**
 * One-kernel attention with online softmax (FlashAttention, arXiv 2205.14135; the running maximum is arXiv 1805.02867):
 * no score is ever written. An invocation owns one query: its q and its output row stay in registers while keys and
 * values go by, four at a time, the same for all invocations of a workgroup, so nothing is summed across invocations.
 *
 * Two ways for keys and values to come by (`Fetch`): `tiled` copies them through workgroup memory; `streamed` reads them
 * where they lie, at an address that is the same for the whole workgroup, which needs no barrier and which adapters with
 * scalar loads (software ones, and GPUs with a scalar cache) serve well.
 */
import type { DeviceProfile, Dispatch, Kernel, Tensor } from '@pleinair/tensor';
import { tensorBytes } from '@pleinair/tensor';
import { columnsOf } from '../shader/columns.js';
import { composeKernel } from '../shader/compose.js';
import { tensorBuffer } from '../shader/declare.js';
import { foldGrid, groupIndexText } from '../shader/grid.js';
import { storageForm } from '../shader/storage.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';
import {
  accumulateText,
  headColumns,
  headLoadText,
  operandBuffers,
  productFlops,
  type AttentionProblem,
} from './variant.js';

/** How keys and values reach the invocations. */
export type Fetch =
  | { readonly way: 'streamed' }
  /** `keys` at a time, a multiple of 4, through workgroup memory. */
  | { readonly way: 'tiled'; readonly keys: number };

/** What shapes the kernel beside the problem. */
export interface FlashShape {
  /** Queries a workgroup. */
  readonly lanes: number;
  readonly fetch: Fetch;
}

const fields = {
  queries: 'u32',
  keys: 'u32',
  heads: 'u32',
  queryBlocks: 'u32',
  tasks: 'u32',
  qColumns: 'u32',
  kColumns: 'u32',
  vColumns: 'u32',
  outColumns: 'u32',
  headDim: 'u32',
  headColumns: 'u32',
  scale: 'f32',
} satisfies UniformFields;

function flashKernel(problem: AttentionProblem, out: Tensor, shape: FlashShape, profile: DeviceProfile): Kernel {
  const { q, k, v, causal } = problem;
  const { lanes, fetch } = shape;
  const operands = operandBuffers([['q', q], ['k', k], ['values', v]], profile); // prettier-ignore
  const columns = Array.from({ length: headColumns(problem) }, (_, j) => j);
  const four = [0, 1, 2, 3];
  const each = (f: (j: number) => string, indent: string): string => columns.map((j) => indent + f(j)).join('\n');
  const readK = (i: number, j: number): string =>
    fetch.way === 'tiled' ? `vec4<f32>(tileK[at + ${i * columns.length + j}u])` : `head_k(k${i}, head, ${j}u)`;
  const readV = (i: number, j: number): string =>
    fetch.way === 'tiled' ? `vec4<f32>(tileV[at + ${i * columns.length + j}u])` : `head_v(k${i}, head, ${j}u)`;

  // Scores of four keys, then their softmax joined to the running one.
  const fourKeys = `
${four.map((i) => (fetch.way === 'streamed' ? `    let k${i} = firstKey + min(key + ${i}u, u.keys - 1u);` : '')).join('\n')}
${four.map((i) => `    var a${i} = 0.0;`).join('\n')}
${columns.map((j) => four.map((i) => `    a${i} = accumulate(q${j}, ${readK(i, j)}, a${i});`).join('\n')).join('\n')}
    var s = vec4<f32>(a0, a1, a2, a3);
    s = select(vec4<f32>(lowest), s, vec4<u32>(key) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(seen));
    let top = max(best, max(max(s.x, s.y), max(s.z, s.w)));
    let decay = exp2(best - top);
    let p = exp2(s - top);
    sum = fma(sum, decay, dot(p, vec4<f32>(1.0)));
    best = top;
${each((j) => `o${j} = o${j} * decay + p.x * ${readV(0, j)} + p.y * ${readV(1, j)} + p.z * ${readV(2, j)} + p.w * ${readV(3, j)};`, '    ')}`;

  const loop =
    fetch.way === 'streamed'
      ? `  for (var key = 0u; key < end; key += 4u) {${fourKeys}\n  }`
      : `  for (var first = 0u; first < end; first += ${fetch.keys}u) {
    workgroupBarrier();
    for (var i = lane; i < ${fetch.keys * columns.length}u; i += ${lanes}u) {
      let row = firstKey + min(first + i / ${columns.length}u, u.keys - 1u);
      tileK[i] = ${tileElement(problem, profile)}(head_k(row, head, i % ${columns.length}u));
      tileV[i] = ${tileElement(problem, profile)}(head_v(row, head, i % ${columns.length}u));
    }
    workgroupBarrier();
    let tileEnd = min(${fetch.keys}u, end - first);
    for (var inTile = 0u; inTile < tileEnd; inTile += 4u) {
    let key = first + inTile;
    let at = inTile * ${columns.length}u;${fourKeys}
    }
  }`;
  const tiles =
    fetch.way === 'tiled'
      ? `var<workgroup> tileK: array<${tileElement(problem, profile)}, ${fetch.keys * columns.length}>;
var<workgroup> tileV: array<${tileElement(problem, profile)}, ${fetch.keys * columns.length}>;`
      : '';
  return composeKernel({
    name: `attention/flash-${fetch.way}`,
    buffers: [...operands.buffers, tensorBuffer('out', out, profile)],
    uniforms: fields,
    body: `
${headLoadText('head_q', operands.names.get(q)!, 'u.qColumns', problem)}
${headLoadText('head_k', operands.names.get(k)!, 'u.kColumns', problem)}
${headLoadText('head_v', operands.names.get(v)!, 'u.vColumns', problem)}
${tiles}
${accumulateText}
// Below every score, and still finite when a score is taken from it.
const lowest = -3.0e38;

@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let task = ${groupIndexText};
  if (task >= u.tasks) { return; }
  let block = task % u.queryBlocks;
  let head = (task / u.queryBlocks) % u.heads;
  let image = task / (u.queryBlocks * u.heads);
  let query = block * ${lanes}u + lane;
  let queryRow = image * u.queries + min(query, u.queries - 1u);
${each((j) => `let q${j} = head_q(queryRow, head, ${j}u) * u.scale;`, '  ')}
${each((j) => `var o${j} = vec4<f32>(0.0);`, '  ')}
  var best = lowest;
  var sum = 0.0;
  let firstKey = image * u.keys;
  let seen = ${causal ? 'min(query + 1u, u.keys)' : 'u.keys'};
  let end = ${causal ? `min((block + 1u) * ${lanes}u, u.keys)` : 'u.keys'};
${loop}
  if (query < u.queries) {
    let at = queryRow * u.outColumns + head * ${columns.length}u;
    let scale = 1.0 / sum;
${each((j) => `store_out(at + ${j}u, o${j} * scale);`, '    ')}
  }
}`,
  });
}

/** Tiles hold what the operands hold; halves only where both operands are halves the adapter computes with. */
function tileElement({ k, v }: AttentionProblem, profile: DeviceProfile): string {
  const halves = [k, v].every((t) => storageForm(t.dtype, profile) === 'f16');
  return halves ? 'vec4<f16>' : 'vec4<f32>';
}

/** Bytes of workgroup memory one key and its value take in the tiles. */
export function tileBytesPerKey(problem: AttentionProblem, profile: DeviceProfile): number {
  return 2 * headColumns(problem) * (tileElement(problem, profile) === 'vec4<f16>' ? 8 : 16);
}

/** The dispatch, writing heads of whole vec4s side by side into `out`. */
export function flashDispatch(
  problem: AttentionProblem,
  out: Tensor,
  shape: FlashShape,
  profile: DeviceProfile,
): Dispatch {
  const { q, k, v, batch, queries, keys, heads, scale } = problem;
  const operands = operandBuffers([['q', q], ['k', k], ['values', v]], profile); // prettier-ignore
  const queryBlocks = Math.ceil(queries / shape.lanes);
  const tasks = batch * heads * queryBlocks;
  return {
    kernel: flashKernel(problem, out, shape, profile),
    bindings: [...operands.tensors, out].map((tensor) => ({ tensor })),
    uniforms: uniformData(fields, {
      queries,
      keys,
      heads,
      queryBlocks,
      tasks,
      qColumns: columnsOf(q),
      kColumns: columnsOf(k),
      vColumns: columnsOf(v),
      outColumns: columnsOf(out),
      headDim: problem.headDim,
      headColumns: headColumns(problem),
      // exp2 instead of exp: the change of base goes into the queries.
      scale: scale * Math.LOG2E,
    }),
    workgroups: foldGrid(tasks, profile),
    flops: 2 * productFlops(problem),
    bytesMoved: [...operands.tensors, out].reduce((sum, t) => sum + tensorBytes(t), 0),
  };
}
