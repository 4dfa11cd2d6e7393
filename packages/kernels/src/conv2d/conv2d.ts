import {
  branchName,
  storageName,
  type Graph,
  type Tensor,
  type Weight,
  type WeightScope,
  type WeightStorage,
} from '@pleinair/tensor';
import { expectFloat, expectLayout } from '../product/checks.js';
import { imageRows, productEpilogue, type ImageRows } from '../product/epilogue.js';
import { convLayout, linearLayout, padTo4 } from '../product/layout.js';
import { plainInput } from '../product/plain-input.js';
import { recordProduct } from '../product/record.js';
import { blockedWeight } from '../product/weight-loader.js';
import { linear } from '../matmul/linear.js';
import { measuredTensor } from '../norm/channel-statistics.js';
import type { Activation } from '../shader/activation.js';
import { expectShape, expectThat, expectWeightShape } from '../shader/shape-checks.js';
import { convInput, type NormOnLoad } from './conv-input.js';
import { convGeometry } from './geometry.js';
import { winogradAlternatives } from './winograd/choose.js';
import { writtenNorm } from './written-norm.js';

/** Options of {@link conv2d}. */
export interface Conv2dOptions {
  /** `[Cout]`, plain rows. */
  readonly bias?: Weight;
  readonly stride?: 1 | 2;
  /**
   * `same` (default): `(k − 1) / 2` zeros on every side. `asymmetric`: one row of zeros below and one column to the right,
   * as diffusers' VAE pads before its strided convolutions.
   */
  readonly padding?: 'same' | 'asymmetric';
  /** Doubles the picture by nearest neighbour as it is read. */
  readonly upsample?: 2;
  /**
   * Height and width to cut the doubled picture to, at most one less than double: halving rounds up, so that a picture of
   * odd size comes back one too large.
   */
  readonly cropTo?: readonly [height: number, width: number];
  /** `[B, H, W, C2]`, read as if concatenated after the input's channels. */
  readonly second?: Tensor;
  /** `[B, Cout]`, or so many columns of a wider tensor, added to every pixel of an image: a time embedding. */
  readonly perImage?: Tensor | ImageRows;
  /** Of the output's shape, added last; its storage is taken over where it dies here. */
  readonly residual?: Tensor;
  /** Applied before the residual is added. */
  readonly activation?: Activation;
  /** Normalises the inputs as they load. */
  readonly norm?: NormOnLoad;
  /**
   * Also leaves the statistics of the output's channels, for a GroupNorm to come: a {@link MeasuredTensor} is returned, and
   * `groupNorm` and `groupNormStats` do not read it for them.
   */
  readonly measured?: boolean;
  /** Storage of the output; the input's by default. */
  readonly outDtype?: 'f32' | 'f16';
  readonly label: string;
}

/**
 * The weight of a {@link conv2d} at a scope.
 *
 * @param cins - Channels of each input: `[C]`, or `[C1, C2]` with a second input.
 */
export function convWeight(
  scope: WeightScope,
  cout: number,
  cins: readonly number[],
  kernel: 1 | 3,
  options: { readonly name?: string; readonly storage?: WeightStorage } = {},
): Weight {
  const cin = cins.reduce((a, b) => a + b, 0);
  return scope.weight(options.name ?? 'weight', [cout, cin, kernel, kernel], convLayout(cins), options.storage);
}

/**
 * `y = residual + activation(conv(x ⧺ second) + bias + perImage)`, `[B, H, W, C]` → `[B, H', W', Cout]`, kernel 1×1 or
 * 3×3, as torch's `Conv2d`. An implicit matrix product: nothing is unfolded. Sums in f32. Where the graph has a side branch
 * beside `w`, that is added: a convolution to the rank's channels, and a product over the output where it lies.
 *
 * @param w - `[Cout, C1 + C2, k, k]`, recorded by {@link convWeight}.
 * @throws ShapeError `shape/mismatch` when sizes, dtypes or the weight's layout do not fit.
 */
export function conv2d(g: Graph, x: Tensor, w: Weight, options: Conv2dOptions): Tensor {
  const rank = g.rankOf(w.source.name);
  if (rank !== undefined) return branchedConv(g, x, w, { ...options, rank });
  return plainConv(g, x, w, options);
}

/** The convolution without its side branch. */
function plainConv(g: Graph, x: Tensor, w: Weight, options: Conv2dOptions): Tensor {
  const { bias, second, residual, norm, label, activation = 'none' } = options;
  const where = `conv2d ${label}`;
  const [cout = 0, , kernel = 1] = w.source.shape;
  const geometry = convGeometry(where, x.shape, { ...options, kernel });
  const { batch, outHeight, outWidth } = geometry;
  const c1 = x.shape[3]!;
  const c2 = second?.shape.at(-1) ?? 0;
  const cins = second ? [c1, c2] : [c1];
  expectFloat(where, x);
  if (second) {
    expectFloat(where, second);
    expectShape(where, 'a second input of', second, [...x.shape.slice(0, 3), c2]);
    expectThat(where, second !== x, 'two different inputs, got one twice. Fold the weight instead.');
  }
  expectWeightShape(where, 'a weight of', w, [cout, c1 + c2, kernel, kernel]);
  expectLayout(where, w, convLayout(cins));
  if (bias) expectWeightShape(where, 'a bias of', bias, [cout]);
  const perImage = options.perImage && imageRows(where, options.perImage, batch, cout);
  if (perImage) expectFloat(where, perImage.rows);
  if (norm) {
    expectThat(
      where,
      norm.affine.dtype === 'f32',
      `f32 scales and shifts, got ${norm.affine.dtype}. Keep them in f32.`,
    );
    expectShape(where, 'scales and shifts of', norm.affine, [batch, 2, cins.reduce((sum, c) => sum + padTo4(c), 0)]);
  }
  const shape = [batch, outHeight, outWidth, cout];
  const plainOut = g.tensor(label, shape, options.outDtype ?? x.dtype);
  const out = options.measured ? measuredTensor(g, plainOut) : plainOut;
  if (residual) {
    expectFloat(where, residual);
    expectShape(where, 'a residual of', residual, shape);
  }
  const bound = new Map<Tensor, string>([[x, 'x']]);
  if (second) bound.set(second, 'second');
  const mayReplace = residual !== undefined && !bound.has(residual) && residual.dtype === out.dtype;
  const isPlain = geometry.kernel === 1 && geometry.stride === 1 && geometry.upsample === 1 && !second && !norm;
  const optional = [second, perImage?.rows, residual, norm?.affine].filter((t) => t !== undefined);
  const how = [
    `${geometry.kernel}x${geometry.kernel}`,
    geometry.stride === 2 ? 's2' : '',
    geometry.upsample === 2 ? 'up2' : '',
    norm ? 'norm' : '',
  ].filter((part) => part !== '');
  const flopsPerRow = 2 * cout * kernel * kernel * (c1 + c2);
  const epilogue = { out, bias, perImage, rowsPerImage: outHeight * outWidth, residual, activation };
  return recordProduct(g, {
    op: 'conv2d',
    label,
    inputs: [x, ...optional],
    weights: bias ? [w, bias] : [w],
    layerInput: norm ? undefined : { weight: w, tensors: second ? [x, second] : [x], window: geometry },
    out,
    inPlace: mayReplace ? residual : undefined,
    flopsPerRow,
    shapeKey: `conv ${how.join(' ')} ${batch}x${outHeight}x${outWidth}x${cins.join('+')}x${cout} ${x.dtype} ${storageName(w)}`,
    product: ({ profile, inPlace }, moments) => ({
      input: isPlain ? plainInput(x, 'none', profile) : convInput([x, second], geometry, norm, profile),
      weight: blockedWeight(w, profile),
      epilogue: productEpilogue({ ...epilogue, inPlace, moments, bound }, profile),
    }),
    alternatives: (context) => {
      const inputs = second ? [x, second] : [x];
      // The pass that writes the output reads no input.
      const last = { ...epilogue, inPlace: context.inPlace, bound: new Map<Tensor, string>() };
      const conv = { where, geometry, inputs, cins, weight: w, norm, epilogue: last, flopsPerRow };
      const { variants, preferred } = winogradAlternatives(conv, context);
      return { variants: [...variants, ...(norm ? writtenNorm({ ...conv, norm }, context) : [])], preferred };
    },
  });
}

/**
 * A convolution with a side branch. Convolutions bind nearly all the buffers a kernel may have, so the branch is not
 * added by their epilogue as it is in `linear`, but afterwards, over what they wrote.
 */
function branchedConv(
  g: Graph,
  x: Tensor,
  w: Weight,
  { rank, measured, ...options }: Conv2dOptions & { readonly rank: number },
): Tensor {
  const { stride, padding, upsample, cropTo, second, norm, label } = options;
  const { name, shape } = w.source;
  const [cout = 0, ...inner] = shape;
  expectThat(
    `conv2d ${label}`,
    options.activation === undefined || options.activation === 'none',
    `no activation beside a side branch, got ${options.activation}. Apply it in an op of its own.`,
  );
  const plain = plainConv(g, x, w, options);
  const down = g.weight(branchName(name, 'down'), [rank, ...inner], w.layout);
  const rows = plainConv(g, x, down, {
    stride,
    padding,
    upsample,
    cropTo,
    second,
    norm,
    outDtype: 'f32',
    label: `${label}.branch`,
  });
  const up = g.weight(branchName(name, 'up'), [cout, rank], linearLayout);
  return linear(g, rows, up, {
    residual: plain,
    outDtype: plain.dtype as 'f16' | 'f32',
    measured,
    label: `${label}.branched`,
  });
}
