import {
  storageName,
  rowCount,
  type Graph,
  type Tensor,
  type Weight,
  type WeightScope,
  type WeightStorage,
} from '@pleinair/tensor';
import { branchFlops, branchWeights, type Branch } from '../product/branch.js';
import { hasColumns, imageRows, productEpilogue } from '../product/epilogue.js';
import { linearLayout } from '../product/layout.js';
import { plainInput } from '../product/plain-input.js';
import { recordProduct } from '../product/record.js';
import { blockedWeight } from '../product/weight-loader.js';
import { measuredTensor } from '../norm/channel-statistics.js';
import type { Activation } from '../shader/activation.js';
import { expectShape, expectThat, expectWeightShape } from '../shader/shape-checks.js';
import { expectFloat, expectLayout } from '../product/checks.js';

/** Options of {@link linear}. */
export interface LinearOptions {
  /** `[N]`, plain rows. */
  readonly bias?: Weight;
  /** Applied to the sum and bias, before the residual is added. */
  readonly activation?: Activation;
  /** `[..., N]`, of the output's shape; its storage is taken over where it dies here. */
  readonly residual?: Tensor;
  /** `[B, N]`: a row for each image, where the input's rows are those of B images one after another. Added with the bias. */
  readonly perImage?: Tensor;
  /**
   * A tensor of as many rows, f16 or f32, that takes the result in N of its columns, from `firstColumn` (a multiple of 4)
   * on: several layers may share one. Columns that nobody writes hold whatever was there.
   */
  readonly into?: { readonly tensor: Tensor; readonly firstColumn: number };
  /** Applied to the input as it loads. */
  readonly preActivation?: 'silu';
  /** As in `conv2d`: also leaves the statistics of the output's channels. Not with `into`, whose tensor has other writers. */
  readonly measured?: boolean;
  /** Storage of the output, the input's by default; `into` has its own. */
  readonly outDtype?: 'f32' | 'f16';
  readonly label: string;
}

/**
 * The weight of a {@link linear} layer at a scope.
 *
 * @param n - Outputs.
 * @param k - Inputs.
 */
export function linearWeight(
  scope: WeightScope,
  n: number,
  k: number,
  options: { readonly name?: string; readonly storage?: WeightStorage } = {},
): Weight {
  return scope.weight(options.name ?? 'weight', [n, k], linearLayout, options.storage);
}

/**
 * `y = residual + activation(preActivation(x) · wᵀ + bias)`, `[..., K]` → `[..., N]`, as torch's `Linear`. Sums in f32.
 * Where the graph has a side branch beside `w`, that is added to the sum.
 *
 * @param w - `[N, K]` (or a 1×1 convolution's `[N, K, 1, 1]`) in {@link linearLayout}.
 * @returns A new tensor, or `into`'s.
 * @throws ShapeError `shape/mismatch` when sizes, dtypes or the weight's layout do not fit.
 */
export function linear(g: Graph, x: Tensor, w: Weight, options: LinearOptions): Tensor {
  const { bias, residual, into, label, activation = 'none', preActivation = 'none' } = options;
  const where = `linear ${label}`;
  const [n = 0, ...inner] = w.source.shape;
  const k = x.shape.at(-1) ?? 0;
  expectThat(where, x.shape.length >= 2, `an input [..., K], got [${x.shape.join(', ')}]. Add a leading dimension.`);
  expectFloat(where, x);
  expectLayout(where, w, linearLayout);
  expectWeightShape(where, 'a weight of', w, inner.length > 1 ? [n, k, 1, 1] : [n, k]);
  if (bias) expectWeightShape(where, 'a bias of', bias, [n]);
  const shape = [...x.shape.slice(0, -1), n];
  const rows = rowCount(x.shape);
  const images = options.perImage?.shape[0] ?? 1;
  const perImage = options.perImage && imageRows(where, options.perImage, images, n);
  if (perImage) {
    expectFloat(where, perImage.rows);
    expectThat(where, rows % images === 0, `equally many rows an image, got ${rows} rows of ${images} images.`);
  }
  if (into) {
    expectFloat(where, into.tensor);
    expectThat(
      where,
      rowCount(into.tensor.shape) === rows && hasColumns(into.tensor, into.firstColumn, n) && !residual,
      `a tensor of ${rows} rows with columns ${into.firstColumn} to ${into.firstColumn + n - 1} starting at a multiple of 4, ` +
        `and no residual, got [${into.tensor.shape.join(', ')}]. Make room for every layer's columns.`,
    );
  }
  expectThat(
    where,
    !into || !options.measured,
    'statistics of a tensor of its own, got "measured" with "into". Measure the whole tensor once all its columns are written.',
  );
  const plainOut = into?.tensor ?? g.tensor(label, shape, options.outDtype ?? x.dtype);
  const out = options.measured ? measuredTensor(g, plainOut) : plainOut;
  if (residual) {
    expectFloat(where, residual);
    expectShape(where, 'a residual of', residual, shape);
  }
  const mayReplace = residual !== undefined && residual !== x && residual.dtype === out.dtype;
  const branch = linearBranch(g, x, w, { preActivation: options.preActivation, label });
  return recordProduct(g, {
    op: 'linear',
    label,
    inputs: [
      x,
      ...(residual ? [residual] : []),
      ...(perImage ? [perImage.rows] : []),
      ...(branch ? [branch.rows] : []),
    ],
    weights: [w, ...(bias ? [bias] : []), ...(branch ? [branch.up] : [])],
    layerInput: { weight: w, tensors: [x], activation: options.preActivation },
    out,
    inPlace: mayReplace ? residual : undefined,
    flopsPerRow: 2 * n * k + branchFlops(branch),
    shapeKey: `linear ${rows}x${k}x${n} ${x.dtype} ${storageName(w)}`,
    product: ({ profile, inPlace }, moments) => ({
      input: plainInput(x, preActivation, profile),
      weight: blockedWeight(w, profile),
      epilogue: productEpilogue(
        {
          out,
          slice: into && { firstColumn: into.firstColumn, columns: n },
          bias,
          branch,
          perImage,
          rowsPerImage: rows / images,
          residual,
          inPlace,
          activation,
          moments,
          bound: new Map([[x, 'x']]),
        },
        profile,
      ),
    }),
  });
}

/** The side branch of a layer's weight, its first factor recorded: one narrow product of the same input. */
export function linearBranch(
  g: Graph,
  x: Tensor,
  w: Weight,
  options: { readonly preActivation?: 'silu'; readonly label: string },
): Branch | undefined {
  const weights = branchWeights(g, w);
  if (!weights) return undefined;
  const { preActivation, label } = options;
  return {
    rows: linear(g, x, weights.down, { preActivation, outDtype: 'f32', label: `${label}.branch` }),
    up: weights.up,
  };
}
