import { bytesPerElement, rowStride, type Graph, type Tensor } from '@pleinair/tensor';
import type { NormOnLoad } from '../conv2d/conv-input.js';
import { padTo4 } from '../product/layout.js';
import { activate, activationText } from '../shader/activation.js';
import { columnsOf } from '../shader/columns.js';
import { tensorBuffer, wordBuffer } from '../shader/declare.js';
import { elementKernel, elementLanes } from '../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../shader/grid.js';
import { expectBindable } from '../shader/row-bands.js';
import { expectShape, expectThat } from '../shader/shape-checks.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';
import { expectBand, type BandTensor } from './band.js';

const fields = {
  count: 'u32',
  columns: 'u32',
  /** Vectors of four channels in a row of the picture. */
  line: 'u32',
  height: 'i32',
  step: 'i32',
  offset: 'i32',
} satisfies UniformFields;

/** Options of {@link bandOfWhole}. */
export interface BandOfWholeOptions {
  /** New rows of one band. */
  readonly rows: number;
  /** Rows taken above and below them as well: what a convolution of the band reads beyond it. */
  readonly around: number;
  /** Scale, shift and activation, applied to every value. */
  readonly norm: NormOnLoad;
  readonly outDtype?: 'f32' | 'f16';
  readonly label: string;
}

/**
 * A band of a picture that is there whole, normalised: `[1, H, W, C]` → `[1, around + rows + around, W, C]`, band b being
 * rows `b · rows − around` and on. Rows beyond the picture are zero.
 *
 * @throws ShapeError `shape/mismatch`.
 */
export function bandOfWhole(g: Graph, whole: BandTensor, options: BandOfWholeOptions): BandTensor {
  const { rows, around, norm, label } = options;
  const where = `bandOfWhole ${label}`;
  expectBand(where, whole);
  const { tensor, window } = whole;
  const [, , width, channels] = tensor.shape as [number, number, number, number];
  expectThat(where, window.step === 0, `a whole picture, got bands of ${window.step} rows. Take rows of the whole.`);
  expectShape(where, 'scales and shifts of', norm.affine, [1, 2, padTo4(channels)]);
  const stored = rows + 2 * around;
  const out: Tensor = g.tensor(label, [1, stored, width, channels], options.outDtype ?? tensor.dtype);
  g.add({
    op: 'bandOfWhole',
    label,
    inputs: [tensor, window.position, norm.affine],
    weights: [],
    outputs: [out],
    lower({ profile }) {
      expectBindable('bandOfWhole', [tensor, out], profile);
      const columns = columnsOf(tensor);
      const line = width * columns;
      const count = stored * line;
      const kernel = elementKernel(
        {
          name: 'bands/of-whole',
          buffers: [
            tensorBuffer('whole', tensor, profile),
            wordBuffer('position'),
            tensorBuffer('affine', norm.affine, profile),
            tensorBuffer('out', out, profile),
          ],
          uniforms: fields,
        },
        `  let y = i32(position[0]) * u.step - u.offset + i32(i / u.line);
  let inside = y >= 0 && y < u.height;
  let c = i % u.columns;
  let v = load_whole(select(0u, u32(y) * u.line + i % u.line, inside));
  store_out(i, select(vec4<f32>(), ${activate(norm.silu ? 'silu' : 'none', 'fma(v, load_affine(c), load_affine(c + u.columns))')}, inside));`,
        activationText(norm.silu ? ['silu'] : []),
      );
      const rowBytes = width * rowStride(tensor.shape);
      return [
        {
          kernel,
          bindings: [{ tensor }, { tensor: window.position }, { tensor: norm.affine }, { tensor: out }],
          uniforms: uniformData(fields, { count, columns, line, height: window.height, step: rows, offset: around }),
          workgroups: foldGrid(groupsFor(count, elementLanes), profile),
          flops: stored * width * channels * 6,
          bytesMoved: stored * rowBytes * (bytesPerElement(tensor.dtype) + bytesPerElement(out.dtype)),
        },
      ];
    },
  });
  return { tensor: out, window: { ...window, step: rows, offset: around, keep: 0 } };
}
