import { tensorBytes, type Graph, type Tensor } from '@pleinair/tensor';
import { tensorBuffer, wordBuffer } from '../shader/declare.js';
import { elementKernel, elementLanes } from '../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../shader/grid.js';
import { expectBindable } from '../shader/row-bands.js';
import { expectThat } from '../shader/shape-checks.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';

const fields = { count: 'u32', perCopy: 'u32' } satisfies UniformFields;

/**
 * What the model is fed: the latents times the step's input scale, once for every guidance half.
 *
 * @param options.planes - f32 `[planes, pictures, h, w, channels]`; the latents are plane 0.
 * @param options.step - f32, its first number the input scale.
 * @param options.copies - 1, or 2 for both guidance halves side by side.
 * @returns `[copies · pictures, h, w, channels]` in the graph's dtype.
 * @throws ShapeError
 */
export function modelInput(
  g: Graph,
  options: { readonly planes: Tensor; readonly step: Tensor; readonly copies: number; readonly label: string },
): Tensor {
  const { planes, step, copies, label } = options;
  const where = `modelInput ${label}`;
  expectThat(
    where,
    planes.shape.length === 5 && planes.dtype === 'f32' && step.dtype === 'f32',
    `f32 planes [planes, pictures, h, w, channels] and f32 step, got ${planes.dtype} [${planes.shape.join(', ')}]. Make them with denoiserGraph.`,
  );
  const [, pictures, height, width, channels] = planes.shape as [number, number, number, number, number];
  const out = g.tensor(label, [copies * pictures, height, width, channels]);
  g.add({
    op: 'modelInput',
    label,
    inputs: [planes, step],
    weights: [],
    outputs: [out],
    lower({ profile }) {
      const perCopy = pictures * height * width * Math.ceil(channels / 4);
      const count = copies * perCopy;
      if (count === 0) return [];
      expectBindable('modelInput', [planes, out], profile);
      return [
        {
          kernel: elementKernel(
            {
              name: 'latent/model-input',
              buffers: [tensorBuffer('planes', planes, profile), wordBuffer('step'), tensorBuffer('out', out, profile)],
              uniforms: fields,
            },
            '  store_out(i, load_planes(i % u.perCopy) * bitcast<f32>(step[0]));',
          ),
          bindings: [{ tensor: planes }, { tensor: step }, { tensor: out }],
          uniforms: uniformData(fields, { count, perCopy }),
          workgroups: foldGrid(groupsFor(count, elementLanes), profile),
          flops: count * 4,
          bytesMoved: perCopy * 16 + tensorBytes(out),
        },
      ];
    },
  });
  return out;
}
