import { tensorBytes, type Graph, type Tensor } from '@pleinair/tensor';
import { columnsOf } from '../shader/columns.js';
import { tensorBuffer, wordBuffer } from '../shader/declare.js';
import { elementKernel, elementLanes } from '../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../shader/grid.js';
import { expectBindable } from '../shader/row-bands.js';
import { expectShape } from '../shader/shape-checks.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';
import { expectBand, type BandTensor } from './band.js';

const fields = {
  count: 'u32',
  /** Vectors of four channels in a row of the picture. */
  line: 'u32',
  height: 'i32',
  step: 'i32',
  offset: 'i32',
} satisfies UniformFields;

/**
 * Writes a band's rows where they belong in the whole picture; rows beyond the picture are left out. Which rows they are is
 * known only as it runs: by the position.
 *
 * @param x - `[1, rows, W, C]`.
 * @param options.into - `[1, H, W, C]`, kept between bands.
 * @returns `into`, as a whole picture.
 * @throws ShapeError `shape/mismatch`.
 */
export function bandToWhole(
  g: Graph,
  x: BandTensor,
  options: { readonly into: Tensor; readonly label: string },
): BandTensor {
  const { into, label } = options;
  const where = `bandToWhole ${label}`;
  expectBand(where, x);
  const { tensor, window } = x;
  const [, rows, width, channels] = tensor.shape as [number, number, number, number];
  expectShape(where, 'a picture of', into, [1, window.height, width, channels]);
  g.add({
    op: 'bandToWhole',
    label,
    inputs: [tensor, window.position, into],
    weights: [],
    outputs: [into],
    lower({ profile }) {
      expectBindable('bandToWhole', [tensor, into], profile);
      const line = width * columnsOf(tensor);
      const count = rows * line;
      const kernel = elementKernel(
        {
          name: 'bands/to-whole',
          buffers: [tensorBuffer('x', tensor, profile), wordBuffer('position'), tensorBuffer('whole', into, profile)],
          uniforms: fields,
        },
        `  let y = i32(position[0]) * u.step - u.offset + i32(i / u.line);
  if (y >= 0 && y < u.height) { store_whole(u32(y) * u.line + i % u.line, load_x(i)); }`,
      );
      return [
        {
          kernel,
          bindings: [{ tensor }, { tensor: window.position }, { tensor: into }],
          uniforms: uniformData(fields, {
            count,
            line,
            height: window.height,
            step: window.step,
            offset: window.offset,
          }),
          workgroups: foldGrid(groupsFor(count, elementLanes), profile),
          flops: 0,
          bytesMoved: 2 * tensorBytes(tensor),
        },
      ];
    },
  });
  return { tensor: into, window: { ...window, step: 0, offset: 0, keep: 0 } };
}
