import type { DeviceProfile, Dispatch, Tensor } from '@pleinair/tensor';
import { columnsOf } from '../shader/columns.js';
import { composeKernel } from '../shader/compose.js';
import { tensorBuffer } from '../shader/declare.js';
import { foldGrid, groupIndexText } from '../shader/grid.js';
import { teamOf, teamUnsupported } from '../shader/team.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';
import { scoreBytes, type ScoreTile } from './score-tiles.js';
import type { AttentionProblem } from './variant.js';

const fields = { tasks: 'u32', scoreColumns: 'u32' } satisfies UniformFields;

/** Maximum and 1/Σ 2^(s − maximum) of every score row; a team a row. */
export function statisticsDispatch(
  problem: AttentionProblem,
  tile: ScoreTile,
  scores: Tensor,
  statistics: Tensor,
  profile: DeviceProfile,
): Dispatch {
  const kind = teamUnsupported('subgroup', profile) ? 'workgroup' : 'subgroup';
  const team = teamOf(kind, ['max', 'sum'], profile);
  const { lanes } = team;
  const kernel = composeKernel({
    name: `attention/split-statistics-${kind}`,
    buffers: [tensorBuffer('scores', scores, profile), tensorBuffer('statistics', statistics, profile)],
    uniforms: fields,
    enables: team.enables,
    body: `
${team.text}

@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let task = ${groupIndexText};
  if (task >= u.tasks) { return; }
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
    uniforms: uniformData(fields, { tasks, scoreColumns: columnsOf(scores) }),
    workgroups: foldGrid(tasks, profile),
    flops: 3 * tasks * problem.keys,
    bytesMoved: scoreBytes(problem, tile) + tasks * 16,
  };
}
