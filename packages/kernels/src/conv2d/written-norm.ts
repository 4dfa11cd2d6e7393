import { storageName, tensorBytes, type Dispatch, type LowerContext, type Tensor, type Weight } from '@pleinair/tensor';
import type { ProductAlternative } from '../product/alternatives.js';
import { chooseVariant } from '../product/choose.js';
import { productDispatches } from '../product/dispatch.js';
import { productEpilogue, type EpilogueOptions } from '../product/epilogue.js';
import { padTo4 } from '../product/layout.js';
import type { Product } from '../product/parts.js';
import { blockedWeight } from '../product/weight-loader.js';
import { activate, activationText } from '../shader/activation.js';
import { columnsOf } from '../shader/columns.js';
import { tensorBuffer } from '../shader/declare.js';
import { elementKernel, elementLanes } from '../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../shader/grid.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';
import { convInput, type NormOnLoad } from './conv-input.js';
import type { ConvGeometry } from './geometry.js';

/** A convolution that normalises as it loads, as it is to be lowered. */
export interface NormedConv {
  /** Op and label, for errors. */
  readonly where: string;
  readonly geometry: ConvGeometry;
  readonly inputs: readonly Tensor[];
  readonly cins: readonly number[];
  readonly weight: Weight;
  readonly norm: NormOnLoad;
  readonly epilogue: EpilogueOptions;
  readonly flopsPerRow: number;
}

const fields = { count: 'u32', columns: 'u32', first: 'u32', per_image: 'u32' } satisfies UniformFields;

/**
 * Another way to do a 3×3 convolution that normalises as it loads: write what is normalised to scratch once, then convolve
 * that, so that no value's exponential is taken for each of nine taps. Offered where there is room beside what is alive, so
 * the peak never shows it. A tuner has to choose it: which is faster depends on what memory and arithmetic cost.
 */
export function writtenNorm(conv: NormedConv, context: LowerContext): readonly ProductAlternative[] {
  const { geometry, inputs, cins } = conv;
  if (geometry.kernel !== 3) return [];
  const { batch, storedHeight, storedWidth } = geometry;
  // Every input padded to whole vec4s, as the weight expects its channels.
  const channels = cins.reduce((sum, c) => sum + padTo4(c), 0);
  const shape = [batch, storedHeight, storedWidth, channels];
  const { dtype } = inputs[0]!;
  const { maxStorageBufferBindingSize: limit, minStorageBufferOffsetAlignment: alignment } = context.profile.limits;
  const bytes = tensorBytes({ shape, dtype });
  if (bytes === 0 || bytes > limit || inputs.some((x) => tensorBytes(x) > limit)) return [];
  if (bytes + alignment > context.room) return [];
  return [
    {
      name: 'norm-written',
      lower: () => {
        const normed = context.scratch('normed', shape, dtype);
        return [applied(conv, normed, context), ...convolved(conv, normed, context)];
      },
    },
  ];
}

function applied({ geometry, inputs, norm }: NormedConv, normed: Tensor, { profile }: LowerContext): Dispatch {
  const [x, second] = inputs as readonly [Tensor, Tensor?];
  const { batch, storedHeight, storedWidth } = geometry;
  const columns = columnsOf(normed);
  const count = batch * storedHeight * storedWidth * columns;
  const kernel = elementKernel(
    {
      name: 'conv2d/normed',
      buffers: [
        tensorBuffer('x', x, profile),
        ...(second ? [tensorBuffer('second', second, profile)] : []),
        tensorBuffer('affine', norm.affine, profile),
        tensorBuffer('normed', normed, profile),
      ],
      uniforms: fields,
    },
    `  let column = i % u.columns;
  let pixel = i / u.columns;
  let at = i / u.per_image * 2u * u.columns + column;
  ${
    second
      ? `var v: vec4<f32>;
  if (column < u.first) { v = load_x(pixel * u.first + column); }
  else { v = load_second(pixel * (u.columns - u.first) + column - u.first); }`
      : 'let v = load_x(i);'
  }
  store_normed(i, ${activate(norm.silu ? 'silu' : 'none', 'fma(v, load_affine(at), load_affine(at + u.columns))')});`,
    activationText(norm.silu ? ['silu'] : []),
  );
  const reads = inputs.reduce((sum, input) => sum + tensorBytes(input), tensorBytes(norm.affine));
  return {
    kernel,
    bindings: [...inputs, norm.affine, normed].map((tensor) => ({ tensor })),
    uniforms: uniformData(fields, {
      count,
      columns,
      first: columnsOf(x),
      per_image: storedHeight * storedWidth * columns,
    }),
    workgroups: foldGrid(groupsFor(count, elementLanes), profile),
    flops: count * 24,
    bytesMoved: reads + tensorBytes(normed),
  };
}

function convolved(conv: NormedConv, normed: Tensor, context: LowerContext): Dispatch[] {
  const { where, geometry, weight, epilogue, flopsPerRow } = conv;
  const { profile } = context;
  const product: Product = {
    input: convInput([normed], geometry, undefined, profile),
    weight: blockedWeight(weight, profile),
    epilogue: productEpilogue({ ...epilogue, bound: new Map() }, profile),
  };
  const { batch, outHeight, outWidth, stride, upsample } = geometry;
  const key =
    `conv written s${stride} up${upsample} ${batch}x${outHeight}x${outWidth}x${normed.shape.at(-1)}x` +
    `${weight.source.shape[0]} ${normed.dtype} ${storageName(weight)}`;
  const variant = chooseVariant(key, product, context);
  return productDispatches(where, product, variant, flopsPerRow, profile);
}
