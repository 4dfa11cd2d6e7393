import { storageName, rowCount, type Graph, type Tensor, type Weight } from '@pleinair/tensor';
import { productEpilogue } from '../product/epilogue.js';
import { plainInput } from '../product/plain-input.js';
import { recordProduct } from '../product/record.js';
import { blockedWeight } from '../product/weight-loader.js';
import { branchFlops } from '../product/branch.js';
import { expectGeglu } from './geglu-checks.js';
import { linearBranch } from './linear.js';

/**
 * `value · gelu(gate)` of one projection, `[..., K]` → `[..., N]`: the two halves meet in registers and the `2·N`-wide
 * tensor is never written. The exact (erf) GELU, as diffusers' `GEGLU`.
 *
 * @param w - `[2·N, K]`, recorded by `linearWeight`: N value rows, then N gate rows. N is a multiple of 4, as four times
 *   any width is.
 * @throws ShapeError `shape/mismatch` when sizes, dtypes or the weight's layout do not fit.
 */
export function geglu(
  g: Graph,
  x: Tensor,
  w: Weight,
  options: { readonly bias?: Weight; readonly label: string },
): Tensor {
  const { bias, label } = options;
  const { k, n } = expectGeglu(`geglu ${label}`, x, w, bias);
  const out = g.tensor(label, [...x.shape.slice(0, -1), n], x.dtype);
  const branch = linearBranch(g, x, w, { label });
  return recordProduct(g, {
    op: 'geglu',
    label,
    inputs: branch ? [x, branch.rows] : [x],
    weights: [w, ...(bias ? [bias] : []), ...(branch ? [branch.up] : [])],
    layerInput: { weight: w, tensors: [x] },
    out,
    flopsPerRow: 4 * n * k + branchFlops(branch),
    shapeKey: `geglu ${rowCount(x.shape)}x${k}x${n} ${x.dtype} ${storageName(w)}`,
    product: ({ profile }) => ({
      input: plainInput(x, 'none', profile),
      weight: blockedWeight(w, profile),
      epilogue: productEpilogue(
        { out, bias, branch, activation: 'gelu', gated: true, bound: new Map([[x, 'x']]) },
        profile,
      ),
    }),
  });
}
