import { tensorBytes, type Graph, type Tensor } from '@pleinair/tensor';
import { tensorBuffer, wordBuffer } from '../shader/declare.js';
import { elementKernel, elementLanes } from '../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../shader/grid.js';
import { expectBindable } from '../shader/row-bands.js';
import { expectThat } from '../shader/shape-checks.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';

const fields = { count: 'u32', columns: 'u32', tokens: 'u32' } satisfies UniformFields;

/**
 * One token's row of every sequence: x `[batch, tokens, C]`, rows u32 `[batch]` → `[batch, C]`, e.g. the end-of-text
 * token's for pooled output. A row number beyond the tokens takes the last.
 *
 * @throws ShapeError when shapes disagree.
 */
export function gatherRows(g: Graph, x: Tensor, rows: Tensor, options: { readonly label: string }): Tensor {
  const where = `gatherRows ${options.label}`;
  expectThat(
    where,
    x.shape.length === 3 && x.shape[1]! > 0,
    `x [batch, tokens, channels], got [${x.shape.join(', ')}]. Give one sequence an image.`,
  );
  const [batch, tokens, channels] = x.shape as [number, number, number];
  expectThat(
    where,
    rows.dtype === 'u32' && rows.shape.length === 1 && rows.shape[0] === batch,
    `u32 rows [${batch}], got ${rows.dtype} [${rows.shape.join(', ')}]. Give one row number a sequence.`,
  );
  const out = g.tensor(options.label, [batch, channels], x.dtype);
  g.add({
    op: 'gatherRows',
    label: options.label,
    inputs: [x, rows],
    weights: [],
    outputs: [out],
    lower({ profile }) {
      const columns = Math.ceil(channels / 4);
      const count = batch * columns;
      if (count === 0) return [];
      expectBindable('gatherRows', [x], profile);
      return [
        {
          kernel: elementKernel(
            {
              name: 'embedding/gather',
              buffers: [tensorBuffer('x', x, profile), wordBuffer('rows'), tensorBuffer('out', out, profile)],
              uniforms: fields,
            },
            `  let sequence = i / u.columns;
  store_out(i, load_x((sequence * u.tokens + min(rows[sequence], u.tokens - 1u)) * u.columns + i % u.columns));`,
          ),
          bindings: [{ tensor: x }, { tensor: rows }, { tensor: out }],
          uniforms: uniformData(fields, { count, columns, tokens }),
          workgroups: foldGrid(groupsFor(count, elementLanes), profile),
          flops: 0,
          bytesMoved: 2 * tensorBytes(out) + batch * 4,
        },
      ];
    },
  });
  return out;
}
