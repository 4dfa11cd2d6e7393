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
  height: 'u32',
  out_width: 'u32',
  out_height: 'u32',
} satisfies UniformFields;

/** Rows and columns of a smaller copy. */
export interface CopySize {
  readonly height: number;
  readonly width: number;
}

/**
 * So many rows and columns of a picture, spread evenly over it: `[1, H, W, C]` → `[1, h, w, C]`. Row i is row
 * ⌊(2i + 1)·H / 2h⌋ of the picture, columns alike.
 *
 * @throws ShapeError `shape/mismatch`, also for a copy larger than the picture.
 */
export function sampleEvenly(
  g: Graph,
  x: Tensor,
  options: { readonly size: CopySize; readonly label: string },
): Tensor {
  const { size, label } = options;
  const where = `sampleEvenly ${label}`;
  expectThat(
    where,
    x.shape.length === 4 && x.shape[0] === 1,
    `x [1, height, width, channels], got [${x.shape.join(', ')}]. Take one picture.`,
  );
  const [, height, width, channels] = x.shape as [number, number, number, number];
  for (const [number, most] of [
    [size.height, height],
    [size.width, width],
  ] as const) {
    const fits = Number.isInteger(number) && number > 0 && number <= most;
    expectThat(where, fits, `a whole number of rows and columns from 1 to ${most}, got ${number}. Take fewer.`);
  }
  const out = g.tensor(label, [1, size.height, size.width, channels], x.dtype);
  g.add({
    op: 'sampleEvenly',
    label,
    inputs: [x],
    weights: [],
    outputs: [out],
    lower({ profile }) {
      expectBindable('sampleEvenly', [x, out], profile);
      const columns = columnsOf(x);
      const count = size.height * size.width * columns;
      const kernel = elementKernel(
        {
          name: 'bands/sample-evenly',
          buffers: [tensorBuffer('x', x, profile), tensorBuffer('out', out, profile)],
          uniforms: fields,
        },
        `  let pixel = i / u.columns;
  let y = (pixel / u.out_width * 2u + 1u) * u.height / (2u * u.out_height);
  let x = (pixel % u.out_width * 2u + 1u) * u.width / (2u * u.out_width);
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
            height,
            out_width: size.width,
            out_height: size.height,
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
