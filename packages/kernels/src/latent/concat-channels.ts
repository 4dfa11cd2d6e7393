import { rowCount, tensorBytes, type Graph, type Tensor } from '@pleinair/tensor';
import { tensorBuffer } from '../shader/declare.js';
import { elementKernel, elementLanes } from '../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../shader/grid.js';
import { expectBindable } from '../shader/row-bands.js';
import { expectThat } from '../shader/shape-checks.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';

const fields = { count: 'u32', columns: 'u32', aWidth: 'u32', bWidth: 'u32', aColumns: 'u32', bColumns: 'u32' } satisfies UniformFields;

/**
 * Two tensors side by side in their last dimension, for the few places where nothing fuses it (small vectors). Networks'
 * skip connections use `second` of convolutions and norms instead.
 *
 * @returns `[…, a + b]` in `a`'s dtype.
 * @throws ShapeError
 */
export function concatChannels(g: Graph, a: Tensor, b: Tensor, options: { readonly label: string }): Tensor {
  const { label } = options;
  const outer = a.shape.slice(0, -1);
  expectThat(
    `concatChannels ${label}`,
    a.shape.length > 0 && outer.join() === b.shape.slice(0, -1).join() && a !== b,
    `two tensors alike but for the last dimension, got [${a.shape.join(', ')}] and [${b.shape.join(', ')}].`,
  );
  const aWidth = a.shape.at(-1)!;
  const bWidth = b.shape.at(-1)!;
  const out = g.tensor(label, [...outer, aWidth + bWidth], a.dtype);
  g.add({
    op: 'concatChannels',
    label,
    inputs: [a, b],
    weights: [],
    outputs: [out],
    lower({ profile }) {
      const columns = Math.ceil((aWidth + bWidth) / 4);
      const count = rowCount(out.shape) * columns;
      if (count === 0) return [];
      expectBindable('concatChannels', [a, b, out], profile);
      const lane = (n: number): string => `element(row, column * 4u + ${n}u)`;
      return [
        {
          kernel: elementKernel(
            {
              name: 'latent/concat',
              buffers: [tensorBuffer('a', a, profile), tensorBuffer('b', b, profile), tensorBuffer('out', out, profile)],
              uniforms: fields,
            },
            `  let row = i / u.columns;
  let column = i % u.columns;
  store_out(i, vec4<f32>(${[0, 1, 2, 3].map(lane).join(', ')}));`,
            `fn element(row: u32, c: u32) -> f32 {
  if (c < u.aWidth) { return load_a(row * u.aColumns + c / 4u)[c % 4u]; }
  let d = c - u.aWidth;
  if (d < u.bWidth) { return load_b(row * u.bColumns + d / 4u)[d % 4u]; }
  return 0.0;
}`,
          ),
          bindings: [{ tensor: a }, { tensor: b }, { tensor: out }],
          uniforms: uniformData(fields, {
            count,
            columns,
            aWidth,
            bWidth,
            aColumns: Math.ceil(aWidth / 4),
            bColumns: Math.ceil(bWidth / 4),
          }),
          workgroups: foldGrid(groupsFor(count, elementLanes), profile),
          flops: 0,
          bytesMoved: tensorBytes(a) + tensorBytes(b) + tensorBytes(out),
        },
      ];
    },
  });
  return out;
}
