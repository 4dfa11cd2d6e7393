import { rowStride, tensorBytes, type Graph, type Tensor } from '@pleinair/tensor';
import { packRgbaText } from '../latent/to-rgba.js';
import { tensorBuffer, wordBuffer } from '../shader/declare.js';
import { elementKernel, elementLanes } from '../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../shader/grid.js';
import { expectBindable } from '../shader/row-bands.js';
import { expectShape, expectThat } from '../shader/shape-checks.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';
import { expectBand, type BandTensor } from './band.js';

const fields = {
  count: 'u32',
  width: 'u32',
  stride: 'u32',
  height: 'i32',
  step: 'i32',
  offset: 'i32',
} satisfies UniformFields;

/**
 * Writes a band's pixels into the whole picture, as `latentsToRgba` does; rows beyond the picture are left out.
 *
 * @param image - `[1, rows, width, 3]` in −1…1.
 * @param options.into - u32 `[1, height, width]`, little-endian R, G, B, A.
 * @throws ShapeError `shape/mismatch`.
 */
export function bandToRgba(
  g: Graph,
  image: BandTensor,
  options: { readonly into: Tensor; readonly label: string },
): void {
  const { into, label } = options;
  const where = `bandToRgba ${label}`;
  expectBand(where, image);
  const { tensor, window } = image;
  const [, rows, width, channels] = tensor.shape as [number, number, number, number];
  expectThat(where, channels === 3, `3 channels, got ${channels}. Decode latents first.`);
  expectShape(where, 'a picture of', into, [1, window.height, width]);
  g.add({
    op: 'bandToRgba',
    label,
    inputs: [tensor, window.position, into],
    weights: [],
    outputs: [into],
    lower({ profile }) {
      expectBindable('bandToRgba', [tensor, into], profile);
      const count = rows * width;
      const kernel = elementKernel(
        {
          name: 'bands/to-rgba',
          buffers: [tensorBuffer('x', tensor, profile), wordBuffer('position'), wordBuffer('words')],
          uniforms: fields,
        },
        `  let y = i32(position[0]) * u.step - u.offset + i32(i / u.width);
  if (y >= 0 && y < u.height) { words[u32(y) * u.stride + i % u.width] = packRgba(load_x(i).xyz); }`,
        packRgbaText,
      );
      return [
        {
          kernel,
          bindings: [{ tensor }, { tensor: window.position }, { tensor: into }],
          uniforms: uniformData(fields, {
            count,
            width,
            stride: rowStride(into.shape),
            height: window.height,
            step: window.step,
            offset: window.offset,
          }),
          workgroups: foldGrid(groupsFor(count, elementLanes), profile),
          flops: count * 12,
          bytesMoved: tensorBytes(tensor) + count * 4,
        },
      ];
    },
  });
}
