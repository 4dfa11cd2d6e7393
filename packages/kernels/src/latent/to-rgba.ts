import {
  rowCount,
  rowStride,
  tensorBytes,
  type Dispatch,
  type Graph,
  type Kernel,
  type Tensor,
} from '@pleinair/tensor';
import { tensorBuffer, wordBuffer } from '../shader/declare.js';
import { elementKernel, elementLanes } from '../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../shader/grid.js';
import { bindRows, rowBands } from '../shader/row-bands.js';
import { expectThat } from '../shader/shape-checks.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';
import type { LatentToRgb } from './preview-factors.js';

const pixelFields = {
  count: 'u32',
  width: 'u32',
  stride: 'u32',
  base: 'u32',
  firstWord: 'u32',
} satisfies UniformFields;

const previewFields = {
  ...pixelFields,
  r0: 'f32',
  r1: 'f32',
  r2: 'f32',
  r3: 'f32', // prettier-ignore
  g0: 'f32',
  g1: 'f32',
  g2: 'f32',
  g3: 'f32', // prettier-ignore
  b0: 'f32',
  b1: 'f32',
  b2: 'f32',
  b3: 'f32', // prettier-ignore
  rBias: 'f32',
  gBias: 'f32',
  bBias: 'f32',
} satisfies UniformFields;

/**
 * WGSL of `packRgba(rgb: vec3<f32>) -> u32`: diffusers' postprocess, to 0…1, clamped, times 255, rounded half to even as
 * numpy does. pack4x8unorm would add ½ and floor. Comparisons are written so that NaN becomes 0, not whatever clamp makes
 * of it.
 */
export const packRgbaText = `
fn packRgba(rgb: vec3<f32>) -> u32 {
  let x = rgb * 0.5 + 0.5;
  let unit = select(vec3<f32>(0.0), min(x, vec3<f32>(1.0)), x > vec3<f32>(0.0));
  let b = vec3<u32>(round(unit * 255.0));
  return b.x | (b.y << 8u) | (b.z << 16u) | (255u << 24u);
}`;

/**
 * A decoded image's pixels: `[batch, h, w, 3]` in −1…1 → u32 `[batch, h, w]`, little-endian R, G, B, A with alpha 255.
 *
 * @throws ShapeError when `image` has another form.
 */
export function latentsToRgba(g: Graph, image: Tensor, options: { readonly label: string }): Tensor {
  const { label } = options;
  expectThat(
    `latentsToRgba ${label}`,
    image.shape.length === 4 && image.shape[3] === 3,
    `an image [batch, h, w, 3], got [${image.shape.join(', ')}]. Decode latents first.`,
  );
  return toPixels(g, 'latentsToRgba', image, label, { numbers: {}, plane: 0 }, (buffers) =>
    elementKernel(
      { name: 'latent/to-rgba', buffers, uniforms: pixelFields },
      pixelStep('packRgba(load_x(pixel).xyz)'),
      packRgbaText,
    ),
  );
}

/**
 * A rough picture of latents at an eighth of the size, without the decoder: one linear map from latent channels to RGB.
 * f32 or f16 `[batch, h, w, 4]` → u32 `[batch, h, w]` as {@link latentsToRgba} gives. Solver state `[planes, batch, h, w, 4]`
 * is taken too: its plane 0 is the latents, and others can be asked for.
 *
 * @param options.plane - Which plane of solver state to show. Default: 0.
 * @param options.factors - The model family's map, e.g. {@link sdxlLatentToRgb}.
 * @throws ShapeError when `latents` has another form.
 */
export function quickPreview(
  g: Graph,
  latents: Tensor,
  options: { readonly factors: LatentToRgb; readonly plane?: number; readonly label: string },
): Tensor {
  const { factors, plane = 0, label } = options;
  expectThat(
    `quickPreview ${label}`,
    [4, 5].includes(latents.shape.length) && latents.shape.at(-1) === 4,
    `latents [batch, h, w, 4] or solver planes of them, got [${latents.shape.join(', ')}]. Previews know four-channel latents only.`,
  );
  const planes = latents.shape.length === 5 ? latents.shape[0]! : 1;
  expectThat(
    `quickPreview ${label}`,
    Number.isInteger(plane) && plane >= 0 && plane < planes,
    `a plane from 0 to ${planes - 1}, got ${plane}. Show one that the solver keeps.`,
  );
  const numbers: Record<string, number> = {};
  ['r', 'g', 'b'].forEach((color, c) => {
    factors.weights[c]!.forEach((weight, i) => (numbers[`${color}${i}`] = weight));
    numbers[`${color}Bias`] = factors.bias[c]!;
  });
  return toPixels(g, 'quickPreview', latents, label, { numbers, plane }, (buffers) =>
    elementKernel(
      { name: 'latent/preview', buffers, uniforms: previewFields },
      pixelStep('packRgba(project(load_x(pixel)))'),
      `${packRgbaText}
fn project(v: vec4<f32>) -> vec3<f32> {
  return vec3<f32>(
    dot(v, vec4<f32>(u.r0, u.r1, u.r2, u.r3)) + u.rBias,
    dot(v, vec4<f32>(u.g0, u.g1, u.g2, u.g3)) + u.gBias,
    dot(v, vec4<f32>(u.b0, u.b1, u.b2, u.b3)) + u.bBias,
  );
}`,
    ),
  );
}

/** One output word: a pixel, or a zero where the row is padded to whole vec4s. */
function pixelStep(pixel: string): string {
  return `  let column = i % u.stride;
  var word = 0u;
  if (column < u.width) {
    let pixel = u.base + (i / u.stride) * u.width + column;
    word = ${pixel};
  }
  words[u.firstWord + i] = word;`;
}

function toPixels(
  g: Graph,
  op: string,
  x: Tensor,
  label: string,
  { numbers, plane }: { readonly numbers: Readonly<Record<string, number>>; readonly plane: number },
  kernelOf: (buffers: Parameters<typeof elementKernel>[0]['buffers']) => Kernel,
): Tensor {
  const [batch, height, width] = x.shape.slice(-4) as [number, number, number, number];
  const out = g.tensor(label, [batch, height, width], 'u32');
  const stride = rowStride(out.shape);
  // Rows of the picture, so that bands keep whole rows together: a picture row is `width` rows of x.
  const firstRow = plane * rowCount(out.shape);
  const pictureRows: Tensor = { ...x, shape: [firstRow + rowCount(out.shape), width * 4] };
  g.add({
    op,
    label,
    inputs: [x],
    weights: [],
    outputs: [out],
    lower({ profile }): Dispatch[] {
      if (tensorBytes(out) === 0) return [];
      const kernel = kernelOf([tensorBuffer('x', x, profile), wordBuffer('words')]);
      const fields = Object.keys(numbers).length ? previewFields : pixelFields;
      return rowBands(op, rowCount(out.shape), [pictureRows, out], profile).map((band) => {
        const from = bindRows(pictureRows, { ...band, firstRow: firstRow + band.firstRow }, profile);
        const to = bindRows(out, band, profile);
        const count = band.rows * stride;
        return {
          kernel,
          // Never more than the plane shown: all of them together may be beyond the limit.
          bindings: [
            { ...from.bound, byteLength: from.bound.byteLength ?? tensorBytes(pictureRows), tensor: x },
            to.bound,
          ],
          uniforms: uniformData(fields, { ...numbers, count, width, stride, base: from.base, firstWord: to.base * 4 }),
          workgroups: foldGrid(groupsFor(count, elementLanes), profile),
          flops: band.rows * width * 12,
          bytesMoved: (band.rows / rowCount(out.shape)) * (tensorBytes(pictureRows) / (plane + 1) + tensorBytes(out)),
        };
      });
    },
  });
  return out;
}
