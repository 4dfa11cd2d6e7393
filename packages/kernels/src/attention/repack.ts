import { rowCount, tensorBytes, type DeviceProfile, type Dispatch, type Tensor } from '@pleinair/tensor';
import { composeKernel } from '../shader/compose.js';
import { tensorBuffer } from '../shader/declare.js';
import { foldGrid, groupIndexText, groupsFor } from '../shader/grid.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';
import { headColumns, type AttentionProblem } from './variant.js';

const lanes = 64;

const fields = {
  columns: 'u32',
  count: 'u32',
  packedColumns: 'u32',
  headDim: 'u32',
  headColumns: 'u32',
  channels: 'u32',
} satisfies UniformFields;

/**
 * Moves heads that were written side by side in whole vec4s to where they belong when a head's width is not a multiple
 * of 4: `[rows, heads·⌈d/4⌉·4]` → `[rows, heads·d]`.
 */
export function repackHeads(problem: AttentionProblem, packed: Tensor, out: Tensor, profile: DeviceProfile): Dispatch {
  const rows = rowCount(out.shape);
  const channels = problem.heads * problem.headDim;
  const columns = Math.ceil(channels / 4);
  const kernel = composeKernel({
    name: 'attention/repack',
    buffers: [tensorBuffer('packed', packed, profile), tensorBuffer('out', out, profile)],
    uniforms: fields,
    body: `
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (${groupIndexText}) * ${lanes}u + lane;
  if (i >= u.count) { return; }
  let row = i / u.columns;
  var v = vec4<f32>(0.0);
  for (var j = 0u; j < 4u; j++) {
    let channel = (i % u.columns) * 4u + j;
    if (channel < u.channels) {
      let inHead = channel % u.headDim;
      let column = (channel / u.headDim) * u.headColumns + inHead / 4u;
      v[j] = load_packed(row * u.packedColumns + column)[inHead % 4u];
    }
  }
  store_out(i, v);
}`,
  });
  return {
    kernel,
    bindings: [{ tensor: packed }, { tensor: out }],
    uniforms: uniformData(fields, {
      columns,
      count: rows * columns,
      packedColumns: problem.heads * headColumns(problem),
      headDim: problem.headDim,
      headColumns: headColumns(problem),
      channels,
    }),
    workgroups: foldGrid(groupsFor(rows * columns, lanes), profile),
    flops: 0,
    bytesMoved: tensorBytes(packed) + tensorBytes(out),
  };
}
