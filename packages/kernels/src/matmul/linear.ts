import { rowCount, type Graph, type Tensor, type Weight, type WeightScope, type WeightStorage } from '@pleinair/tensor';
import { productEpilogue } from '../product/epilogue.js';
import { linearLayout } from '../product/layout.js';
import { plainInput } from '../product/plain-input.js';
import { recordProduct } from '../product/record.js';
import { blockedWeight } from '../product/weight-loader.js';
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
  /** Applied to the input as it loads. */
  readonly preActivation?: 'silu';
  /** Storage of the output; the input's by default. */
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
 *
 * @param w - `[N, K]` (or a 1×1 convolution's `[N, K, 1, 1]`) in {@link linearLayout}.
 * @throws ShapeError `shape/mismatch` when sizes, dtypes or the weight's layout do not fit.
 */
export function linear(g: Graph, x: Tensor, w: Weight, options: LinearOptions): Tensor {
  const { bias, residual, label, activation = 'none', preActivation = 'none' } = options;
  const where = `linear ${label}`;
  const [n = 0, ...inner] = w.source.shape;
  const k = x.shape.at(-1) ?? 0;
  expectThat(where, x.shape.length >= 2, `an input [..., K], got [${x.shape.join(', ')}]. Add a leading dimension.`);
  expectFloat(where, x);
  expectLayout(where, w, linearLayout);
  expectWeightShape(where, 'a weight of', w, inner.length > 1 ? [n, k, 1, 1] : [n, k]);
  if (bias) expectWeightShape(where, 'a bias of', bias, [n]);
  const shape = [...x.shape.slice(0, -1), n];
  const out = g.tensor(label, shape, options.outDtype ?? x.dtype);
  if (residual) {
    expectFloat(where, residual);
    expectShape(where, 'a residual of', residual, shape);
  }
  const mayReplace = residual !== undefined && residual !== x && residual.dtype === out.dtype;
  return recordProduct(g, {
    op: 'linear',
    label,
    inputs: residual ? [x, residual] : [x],
    weights: bias ? [w, bias] : [w],
    out,
    inPlace: mayReplace ? residual : undefined,
    flopsPerRow: 2 * n * k,
    shapeKey: `linear ${rowCount(x.shape)}x${k}x${n} ${x.dtype} ${w.storage}`,
    product: ({ profile, inPlace }) => ({
      input: plainInput(x, preActivation, profile),
      weight: blockedWeight(w, profile),
      epilogue: productEpilogue({ out, bias, residual, inPlace, activation, bound: new Map([[x, 'x']]) }, profile),
    }),
  });
}
