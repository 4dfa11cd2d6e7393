/**
 * LayerNorm kernels: a team of invocations shares one row. Mean, then Σ(x−mean)², then the result: three walks over a row
 * that stays in the nearest cache, so the variance is exact two-pass and a row may be of any width.
 */
import type { DeviceProfile, Kernel, Tensor, Weight } from '@pleinair/tensor';
import { composeKernel } from '../shader/compose.js';
import { tensorBuffer, weightBuffer } from '../shader/declare.js';
import { groupIndexText } from '../shader/grid.js';
import { teamOf, type TeamKind } from '../shader/team.js';
import type { UniformFields } from '../shader/uniforms.js';

/** Uniforms of either kernel. */
export const layerNormFields = {
  rows: 'u32',
  channels: 'u32',
  columns: 'u32',
  xBase: 'u32',
  outBase: 'u32',
  eps: 'f32',
} satisfies UniformFields;

/** What the kernels' text depends on. */
export interface LayerNormText {
  readonly x: Tensor;
  readonly out: Tensor;
  readonly gamma: Weight;
  readonly beta: Weight;
  readonly inPlace: boolean;
}

/** The kernel of a variant. */
export function layerNormKernel(variant: TeamKind, text: LayerNormText, profile: DeviceProfile): Kernel {
  const team = teamOf(variant, ['sum'], profile);
  const { lanes } = team;
  const target = text.inPlace ? 'x' : 'out';
  return composeKernel({
    name: `norm/layer-${variant}`,
    buffers: [
      tensorBuffer('x', text.x, profile),
      ...(text.inPlace ? [] : [tensorBuffer('out', text.out, profile)]),
      weightBuffer('gamma', text.gamma, profile),
      weightBuffer('beta', text.beta, profile),
    ],
    uniforms: layerNormFields,
    enables: team.enables,
    body: `
${team.text}

// 1 for channels, 0 for the pad lanes of a row's last vec4.
fn channelMask(column: u32) -> vec4<f32> {
  return select(vec4<f32>(0.0), vec4<f32>(1.0), vec4<u32>(0u, 1u, 2u, 3u) + 4u * column < vec4<u32>(u.channels));
}

@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = ${groupIndexText};
  if (row >= u.rows) { return; }
  let begin = u.xBase + row * u.columns;
  var sum = vec4<f32>(0.0);
  for (var c = lane; c < u.columns; c += ${lanes}u) { sum += load_x(begin + c); }
  let mean = teamSum(lane, dot(sum, vec4<f32>(1.0))) / f32(u.channels);
  var squares = 0.0;
  for (var c = lane; c < u.columns; c += ${lanes}u) {
    let d = (load_x(begin + c) - mean) * channelMask(c);
    squares += dot(d, d);
  }
  let scale = inverseSqrt(teamSum(lane, squares) / f32(u.channels) + u.eps);
  // Pad lanes come out zero because gamma and beta are zero there.
  for (var c = lane; c < u.columns; c += ${lanes}u) {
    store_${target}(row * u.columns + c + u.${target}Base, (load_x(begin + c) - mean) * scale * load_gamma(c) + load_beta(c));
  }
}`,
  });
}
