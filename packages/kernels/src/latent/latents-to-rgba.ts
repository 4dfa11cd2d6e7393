import { tensorBytes, type Graph, type Tensor } from '@pleinair/tensor';
import { tensorBuffer, wordBuffer } from '../shader/declare.js';
import { elementKernel, elementLanes } from '../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../shader/grid.js';
import { bindRows, rowBands } from '../shader/row-bands.js';
import { expectThat } from '../shader/shape-checks.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';

const fields = { count: 'u32', width: 'u32', stride: 'u32', xBase: 'u32', outBase: 'u32' } satisfies UniformFields;

/**
 * A decoded picture as pixels: −1…1 becomes 0…255 as diffusers' `VaeImageProcessor` has it, alpha is 255.
 *
 * @param image - `[batch, h, w, 3]`.
 * @returns u32 `[batch, h, w]`, each R, G, B, A from the lowest byte up.
 * @throws ShapeError
 */
export function latentsToRgba(g: Graph, image: Tensor, options: { readonly label: string }): Tensor {
  const { label } = options;
  expectThat(
    `latentsToRgba ${label}`,
    image.shape.length === 4 && image.shape[3] === 3,
    `a picture [batch, h, w, 3], got [${image.shape.join(', ')}]. Give it the decoder's output.`,
  );
  const [batch, height, width] = image.shape as [number, number, number, number];
  const out = g.tensor(label, [batch, height, width], 'u32');
  g.add({
    op: 'latentsToRgba',
    label,
    inputs: [image],
    weights: [],
    outputs: [out],
    lower({ profile }) {
      if (tensorBytes(image) === 0) return [];
      // Walked by lines of the picture, so that both tensors can be cut at the same places.
      const lines: Tensor = { ...image, shape: [batch * height, width * 4] };
      const stride = Math.ceil(width / 4) * 4;
      return rowBands('latentsToRgba', batch * height, [lines, out], profile).map((band) => {
        const x = bindRows(lines, band, profile);
        const target = bindRows(out, band, profile);
        const count = band.rows * width;
        return {
          kernel: elementKernel(
            {
              name: 'latent/rgba',
              buffers: [tensorBuffer('x', image, profile), wordBuffer('out')],
              uniforms: fields,
            },
            `  let unit = clamp(load_x(i + u.xBase) * 0.5 + 0.5, vec4<f32>(0.0), vec4<f32>(1.0));
  // WGSL's round goes to even on ties, as numpy's does in diffusers.
  let bytes = vec4<u32>(round(vec4<f32>(unit.xyz, 1.0) * 255.0));
  out[(i / u.width) * u.stride + i % u.width + u.outBase] = bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | (bytes.w << 24u);`,
          ),
          bindings: [{ ...x.bound, tensor: image }, target.bound],
          // A base is counted in vec4s, and this buffer is indexed by words.
          uniforms: uniformData(fields, { count, width, stride, xBase: x.base, outBase: target.base * 4 }),
          workgroups: foldGrid(groupsFor(count, elementLanes), profile),
          flops: count * 9,
          bytesMoved: (band.rows / (batch * height)) * (tensorBytes(image) + tensorBytes(out)),
        };
      });
    },
  });
  return out;
}
