import { rowCount, type Graph, type Tensor, type Weight } from '@pleinair/tensor';
import { expectFloat, expectLayout } from '../product/checks.js';
import { productEpilogue } from '../product/epilogue.js';
import { linearLayout } from '../product/layout.js';
import { plainInput } from '../product/plain-input.js';
import { recordProduct } from '../product/record.js';
import { blockedWeight } from '../product/weight-loader.js';
import { expectThat, expectWeightShape } from '../shader/shape-checks.js';

/**
 * `value · gelu(gate)` of one projection, `[..., K]` → `[..., N]`: the two halves meet in registers and the `2·N`-wide
 * tensor is never written. The exact (erf) GELU, as diffusers' `GEGLU`.
 *
 * @param w - `[2·N, K]` in {@link linearLayout}: N value rows, then N gate rows. N is a multiple of 4, as four times any
 *   width is.
 * @throws ShapeError `shape/mismatch` when sizes, dtypes or the weight's layout do not fit.
 */
export function geglu(
  g: Graph,
  x: Tensor,
  w: Weight,
  options: { readonly bias?: Weight; readonly label: string },
): Tensor {
  const { bias, label } = options;
  const where = `geglu ${label}`;
  const rows = w.source.shape[0] ?? 0;
  const n = rows / 2;
  const k = x.shape.at(-1) ?? 0;
  expectThat(where, x.shape.length >= 2, `an input [..., K], got [${x.shape.join(', ')}]. Add a leading dimension.`);
  expectFloat(where, x);
  expectLayout(where, w, linearLayout);
  expectWeightShape(where, 'a weight of', w, [rows, k]);
  expectThat(
    where,
    n % 4 === 0,
    `two halves of a multiple of 4 rows each, got ${rows} rows. Check the model's config against "${w.source.name}".`,
  );
  if (bias) expectWeightShape(where, 'a bias of', bias, [rows]);
  const out = g.tensor(label, [...x.shape.slice(0, -1), n], x.dtype);
  return recordProduct(g, {
    op: 'geglu',
    label,
    inputs: [x],
    weights: bias ? [w, bias] : [w],
    out,
    flopsPerRow: 2 * rows * k,
    shapeKey: `geglu ${rowCount(x.shape)}x${k}x${n} ${x.dtype} ${w.storage}`,
    product: ({ profile }) => ({
      input: plainInput(x, 'none', profile),
      weight: blockedWeight(w, profile),
      epilogue: productEpilogue({ out, bias, activation: 'gelu', gated: true, bound: new Map([[x, 'x']]) }, profile),
    }),
  });
}
