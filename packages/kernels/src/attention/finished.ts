import { rowCount, tensorBytes, type Graph, type Tensor } from '@pleinair/tensor';
import { columnsOf } from '../shader/columns.js';
import { tensorBuffer } from '../shader/declare.js';
import { elementKernel, elementLanes } from '../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../shader/grid.js';
import { expectBindable } from '../shader/row-bands.js';
import { expectShape } from '../shader/shape-checks.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';

const fields = { count: 'u32', columns: 'u32' } satisfies UniformFields;

/**
 * What `runningAttention` gives once all keys were seen: each query's sums over its Σ exp.
 *
 * @param sums - f32 `[..., C]`.
 * @param statistics - f32 `[queries, 4]`.
 * @returns A tensor of the sums' shape.
 * @throws ShapeError `shape/mismatch`.
 */
export function finishedAttention(
  g: Graph,
  sums: Tensor,
  statistics: Tensor,
  options: { readonly outDtype?: 'f32' | 'f16'; readonly label: string },
): Tensor {
  const { label, outDtype = 'f32' } = options;
  const rows = rowCount(sums.shape);
  expectShape(`finishedAttention ${label}`, 'statistics of', statistics, [rows, 4]);
  const out = g.tensor(label, sums.shape, outDtype);
  g.add({
    op: 'finishedAttention',
    label,
    inputs: [sums, statistics],
    weights: [],
    outputs: [out],
    lower({ profile }) {
      expectBindable('finishedAttention', [sums, out], profile);
      const columns = columnsOf(sums);
      const count = rows * columns;
      const kernel = elementKernel(
        {
          name: 'attention/finished',
          buffers: [
            tensorBuffer('sums', sums, profile),
            tensorBuffer('statistics', statistics, profile),
            tensorBuffer('out', out, profile),
          ],
          uniforms: fields,
        },
        '  store_out(i, load_sums(i) / load_statistics(i / u.columns).y);',
      );
      return [
        {
          kernel,
          bindings: [{ tensor: sums }, { tensor: statistics }, { tensor: out }],
          uniforms: uniformData(fields, { count, columns }),
          workgroups: foldGrid(groupsFor(count, elementLanes), profile),
          flops: rows * sums.shape.at(-1)!,
          bytesMoved: tensorBytes(sums) + tensorBytes(statistics) + tensorBytes(out),
        },
      ];
    },
  });
  return out;
}
