import { rowCount, tensorBytes, type DeviceProfile, type Dispatch, type Tensor } from '@pleinair/tensor';
import { columnsOf } from '../shader/columns.js';
import { tensorBuffer } from '../shader/declare.js';
import { elementKernel, elementLanes } from '../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../shader/grid.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';
import { headColumns, type AttentionProblem } from './variant.js';

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
  const columns = columnsOf(out);
  const kernel = elementKernel(
    {
      name: 'attention/repack',
      buffers: [tensorBuffer('packed', packed, profile), tensorBuffer('out', out, profile)],
      uniforms: fields,
    },
    `  let row = i / u.columns;
  var v = vec4<f32>(0.0);
  for (var j = 0u; j < 4u; j++) {
    let channel = (i % u.columns) * 4u + j;
    if (channel < u.channels) {
      let inHead = channel % u.headDim;
      let column = (channel / u.headDim) * u.headColumns + inHead / 4u;
      v[j] = load_packed(row * u.packedColumns + column)[inHead % 4u];
    }
  }
  store_out(i, v);`,
  );
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
    workgroups: foldGrid(groupsFor(rows * columns, elementLanes), profile),
    flops: 0,
    bytesMoved: tensorBytes(packed) + tensorBytes(out),
  };
}
