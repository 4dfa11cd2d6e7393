import { rowCount, rowStride, tensorBytes, type Graph, type Tensor } from '@pleinair/tensor';
import { tensorBuffer, wordBuffer } from '../shader/declare.js';
import { elementKernel, elementLanes } from '../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../shader/grid.js';
import { expectShape, expectThat } from '../shader/shape-checks.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';

/** Options of {@link blendLatents}. */
export interface BlendLatentsOptions {
  /** f32 `[1 + slots, pictures, h, w, c]`; the first plane, the latents, is written in place. */
  readonly planes: Tensor;
  /** f32 numbers of the step. */
  readonly step: Tensor;
  /** Where in `step` the multiples of `original` and `noise` lie, one after the other. */
  readonly first: number;
  /** f32 `[pictures, h, w, c]`: the latents to keep. */
  readonly original: Tensor;
  /** f32 `[pictures, h, w, c]`: the noise that takes them to the step's level. */
  readonly noise: Tensor;
  /** f32 `[pictures, h, w, c]`, 0…1: where the latents stay as they are. */
  readonly mask: Tensor;
  /** Where in the model this stands. */
  readonly label: string;
}

const fields = { count: 'u32', first: 'u32' } satisfies UniformFields;

/**
 * Puts back what is to be kept: x ← mask·x + (1 − mask)·(s·original + t·noise), s and t from `step`. Inpainting with a
 * UNet that knows nothing of masks does this after each step.
 *
 * @throws ShapeError when operands do not fit together.
 */
export function blendLatents(g: Graph, options: BlendLatentsOptions): void {
  const { planes, step, first, original, noise, mask, label } = options;
  const where = `blendLatents ${label}`;
  expectThat(
    where,
    planes.shape.length === 5 && planes.dtype === 'f32' && planes.shape[0]! > 0,
    `f32 planes [1 + slots, pictures, h, w, c], got ${planes.dtype} [${planes.shape.join(', ')}]. Keep solver state in f32.`,
  );
  expectThat(
    where,
    step.dtype === 'f32' && step.shape.length === 1 && step.shape[0]! >= first + 2,
    `f32 step of at least ${first + 2} numbers, got ${step.dtype} [${step.shape.join(', ')}]. Add the two multiples.`,
  );
  const plane = planes.shape.slice(1);
  const operands = { original, noise, mask };
  for (const [name, tensor] of Object.entries(operands)) {
    expectShape(where, name, tensor, plane);
    expectThat(where, tensor.dtype === 'f32', `f32 ${name}, got ${tensor.dtype}. Keep latents in f32.`);
  }
  g.add({
    op: 'blendLatents',
    label,
    inputs: [planes, step, original, noise, mask],
    weights: [],
    outputs: [planes],
    lower({ profile }) {
      const count = (rowCount(plane) * rowStride(plane)) / 4;
      if (count === 0) return [];
      return [
        {
          kernel: elementKernel(
            {
              name: 'latent/blend',
              buffers: [
                tensorBuffer('planes', planes, profile),
                wordBuffer('numbers'),
                ...Object.entries(operands).map(([name, tensor]) => tensorBuffer(name, tensor, profile)),
              ],
              uniforms: fields,
            },
            [
              '  let kept = bitcast<f32>(numbers[u.first]) * load_original(i) + bitcast<f32>(numbers[u.first + 1u]) * load_noise(i);',
              '  let m = load_mask(i);',
              '  store_planes(i, m * load_planes(i) + (1.0 - m) * kept);',
            ].join('\n'),
          ),
          bindings: [{ tensor: planes }, { tensor: step }, { tensor: original }, { tensor: noise }, { tensor: mask }],
          uniforms: uniformData(fields, { count, first }),
          workgroups: foldGrid(groupsFor(count, elementLanes), profile),
          flops: rowCount(plane) * plane.at(-1)! * 7,
          bytesMoved: 5 * tensorBytes(mask),
        },
      ];
    },
  });
}
