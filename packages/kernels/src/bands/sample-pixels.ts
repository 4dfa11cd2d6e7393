import { tensorBytes, type Graph, type Tensor } from '@pleinair/tensor';
import { columnsOf } from '../shader/columns.js';
import { tensorBuffer } from '../shader/declare.js';
import { elementKernel, elementLanes } from '../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../shader/grid.js';
import { expectBindable } from '../shader/row-bands.js';
import { expectThat } from '../shader/shape-checks.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';

const fields = {
  count: 'u32',
  columns: 'u32',
  width: 'u32',
  out_width: 'u32',
  height: 'u32',
  out_height: 'u32',
  every: 'u32',
} satisfies UniformFields;

/**
 * Every n-th pixel in each direction, from the middle of the first n on: `[B, H, W, C]` → `[B, ⌈H/n⌉, ⌈W/n⌉, C]`.
 *
 * @throws ShapeError `shape/mismatch`.
 */
export function samplePixels(g: Graph, x: Tensor, options: { readonly every: number; readonly label: string }): Tensor {
  const { every, label } = options;
  const where = `samplePixels ${label}`;
  expectThat(
    where,
    x.shape.length === 4,
    `x [batch, height, width, channels], got [${x.shape.join(', ')}]. Reshape it.`,
  );
  expectThat(where, Number.isInteger(every) && every > 0, `a whole number above 0, got ${every}. Round it.`);
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const shape = [batch, Math.ceil(height / every), Math.ceil(width / every), channels];
  const out = g.tensor(label, shape, x.dtype);
  g.add({
    op: 'samplePixels',
    label,
    inputs: [x],
    weights: [],
    outputs: [out],
    lower({ profile }) {
      expectBindable('samplePixels', [x, out], profile);
      const columns = columnsOf(x);
      const [, outHeight = 0, outWidth = 0] = shape;
      const count = batch * outHeight * outWidth * columns;
      const kernel = elementKernel(
        {
          name: 'bands/sample',
          buffers: [tensorBuffer('x', x, profile), tensorBuffer('out', out, profile)],
          uniforms: fields,
        },
        `  let pixel = i / u.columns;
  let line = pixel / u.out_width;
  let y = min((line % u.out_height) * u.every + u.every / 2u, u.height - 1u) + line / u.out_height * u.height;
  let x = min((pixel % u.out_width) * u.every + u.every / 2u, u.width - 1u);
  store_out(i, load_x((y * u.width + x) * u.columns + i % u.columns));`,
      );
      return [
        {
          kernel,
          bindings: [{ tensor: x }, { tensor: out }],
          uniforms: uniformData(fields, {
            count,
            columns,
            width,
            out_width: outWidth,
            height,
            out_height: outHeight,
            every,
          }),
          workgroups: foldGrid(groupsFor(count, elementLanes), profile),
          flops: 0,
          bytesMoved: 2 * tensorBytes(out),
        },
      ];
    },
  });
  return out;
}
