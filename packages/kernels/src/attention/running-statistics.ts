import type { DeviceProfile, Dispatch, Tensor } from '@pleinair/tensor';
import { columnsOf } from '../shader/columns.js';
import { composeKernel } from '../shader/compose.js';
import { tensorBuffer, wordBuffer } from '../shader/declare.js';
import { foldGrid, groupIndexText } from '../shader/grid.js';
import { teamOf, teamUnsupported } from '../shader/team.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';
import type { AttentionProblem } from './variant.js';

const fields = { tasks: 'u32', scoreColumns: 'u32', blockKeys: 'u32', keys: 'u32' } satisfies UniformFields;

/**
 * Joins the score rows of a block of keys with what the blocks before left: `(maximum, Σ 2^(s − maximum), factor)`, the
 * factor being what sums by the old maximum are to be multiplied by, 0 in the first block. Scores of keys that do not exist
 * are set so low that they weigh nothing. A team a row.
 */
export function runningStatistics(
  problem: AttentionProblem,
  run: { readonly scores: Tensor; readonly statistics: Tensor; readonly position: Tensor; readonly keys: number },
  profile: DeviceProfile,
): Dispatch {
  const { scores, statistics, position, keys } = run;
  const kind = teamUnsupported('subgroup', profile) ? 'workgroup' : 'subgroup';
  const team = teamOf(kind, ['max', 'sum'], profile);
  const { lanes } = team;
  const kernel = composeKernel({
    name: `attention/running-statistics-${kind}`,
    buffers: [
      tensorBuffer('scores', scores, profile),
      tensorBuffer('statistics', statistics, profile),
      wordBuffer('position'),
    ],
    uniforms: fields,
    enables: team.enables,
    body: `
${team.text}
const lowest = -3.0e38;
// Scores of four keys; those of keys beyond the last are so low that exp makes nothing of them.
fn seen(row: u32, c: u32) -> vec4<f32> {
  let first = position[0] * u.blockKeys + c * 4u;
  let s = load_scores(row + c);
  if (first + 4u <= u.keys) { return s; }
  let key = vec4<u32>(first) + vec4<u32>(0u, 1u, 2u, 3u);
  return select(vec4<f32>(lowest), s, key < vec4<u32>(u.keys));
}
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let task = ${groupIndexText};
  if (task >= u.tasks) { return; }
  let row = task * u.scoreColumns;
  var before = vec2<f32>(lowest, 0.0);
  if (position[0] > 0u) { before = load_statistics(task).xy; }
  var best = vec4<f32>(lowest);
  for (var c = lane; c < u.scoreColumns; c += ${lanes}u) { best = max(best, seen(row, c)); }
  let top = max(before.x, teamMax(lane, max(max(best.x, best.y), max(best.z, best.w))));
  var sum = vec4<f32>(0.0);
  for (var c = lane; c < u.scoreColumns; c += ${lanes}u) {
    let s = seen(row, c);
    store_scores(row + c, s);
    sum += exp2(s - top);
  }
  let total = teamSum(lane, dot(sum, vec4<f32>(1.0)));
  let factor = select(0.0, exp2(before.x - top), position[0] > 0u);
  if (lane == 0u) { store_statistics(task, vec4<f32>(top, fma(before.y, factor, total), factor, 0.0)); }
}`,
  });
  const { queries } = problem;
  const scoreBytes = queries * columnsOf(scores) * 16;
  return {
    kernel,
    bindings: [{ tensor: scores }, { tensor: statistics }, { tensor: position }],
    uniforms: uniformData(fields, {
      tasks: queries,
      scoreColumns: columnsOf(scores),
      blockKeys: problem.keys,
      keys,
    }),
    workgroups: foldGrid(queries, profile),
    flops: 3 * queries * problem.keys,
    bytesMoved: 2 * scoreBytes + queries * 32,
  };
}
