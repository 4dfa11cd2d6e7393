import { rowCount, tensorBytes, type Graph, type Tensor } from '@pleinair/tensor';
import { tensorBuffer, wordBuffer } from '../shader/declare.js';
import { elementKernel, elementLanes } from '../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../shader/grid.js';
import { expectThat } from '../shader/shape-checks.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';

/** Options of {@link modelInput}. */
export interface ModelInputOptions {
  /** f32 `[1 + slots, pictures, h, w, c]`: the latents, then what the solver keeps. */
  readonly planes: Tensor;
  /** f32; its first number is the input scale. */
  readonly step: Tensor;
  /** How often the batch is repeated: 2 when a guided pair is evaluated together (unconditional half first). */
  readonly copies: number;
  /** @defaultValue the graph's dtype */
  readonly outDtype?: 'f16' | 'f32';
  /** Where in the model this stands. */
  readonly label: string;
}

const fields = { count: 'u32', plane: 'u32' } satisfies UniformFields;

/**
 * What the model is shown: the latents times the step's input scale, repeated for guidance.
 *
 * @returns `[copies·pictures, h, w, c]`.
 * @throws ShapeError when `planes` or `step` have another form.
 */
export function modelInput(g: Graph, options: ModelInputOptions): Tensor {
  const { planes, step, copies, label } = options;
  const where = `modelInput ${label}`;
  expectThat(
    where,
    planes.shape.length === 5 && planes.dtype === 'f32' && planes.shape[0]! > 0,
    `f32 planes [1 + slots, pictures, h, w, c], got ${planes.dtype} [${planes.shape.join(', ')}]. Keep solver state in f32.`,
  );
  expectThat(
    where,
    step.shape.length === 1 && step.dtype === 'f32' && step.shape[0]! > 0,
    `f32 step [numbers], got ${step.dtype} [${step.shape.join(', ')}]. Put the input scale first.`,
  );
  expectThat(where, Number.isInteger(copies) && copies > 0, `1 copy or more, got ${copies}. Use 2 under guidance.`);
  const [, pictures, height, width, channels] = planes.shape as [number, number, number, number, number];
  const out = g.tensor(label, [copies * pictures, height, width, channels], options.outDtype ?? g.dtype);
  g.add({
    op: 'modelInput',
    label,
    inputs: [planes, step],
    weights: [],
    outputs: [out],
    lower({ profile }) {
      const count = rowCount(out.shape) * Math.ceil(channels / 4);
      if (count === 0) return [];
      return [
        {
          kernel: elementKernel(
            {
              name: 'latent/model-input',
              buffers: [
                tensorBuffer('planes', planes, profile),
                wordBuffer('numbers'),
                tensorBuffer('out', out, profile),
              ],
              uniforms: fields,
            },
            '  store_out(i, load_planes(i % u.plane) * bitcast<f32>(numbers[0]));',
          ),
          bindings: [{ tensor: planes }, { tensor: step }, { tensor: out }],
          uniforms: uniformData(fields, { count, plane: count / copies }),
          workgroups: foldGrid(groupsFor(count, elementLanes), profile),
          flops: rowCount(out.shape) * channels,
          bytesMoved: (count / copies) * 16 + tensorBytes(out),
        },
      ];
    },
  });
  return out;
}
