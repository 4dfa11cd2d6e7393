import { storageName, rowCount, type Dispatch, type Graph, type Tensor, type Weight } from '@pleinair/tensor';
import { branchFlops, branchWeights } from '../product/branch.js';
import { expectLayout } from '../product/checks.js';
import { chooseVariant } from '../product/choose.js';
import { productDispatches } from '../product/dispatch.js';
import { productEpilogue } from '../product/epilogue.js';
import { linearLayout } from '../product/layout.js';
import { plainInput } from '../product/plain-input.js';
import type { Product } from '../product/parts.js';
import { blockedWeight } from '../product/weight-loader.js';
import { expectShape, expectThat, expectWeightShape } from '../shader/shape-checks.js';
import { geglu } from './geglu.js';
import { expectGeglu } from './geglu-checks.js';
import { linear, linearBranch } from './linear.js';

/** Options of {@link gegluFeedForward}. */
export interface GegluFeedForwardOptions {
  /** `[2·I, K]` and `[2·I]`: value rows, then gate rows. */
  readonly proj: Weight;
  readonly projBias?: Weight;
  /** `[K', I]` and `[K']`. */
  readonly out: Weight;
  readonly outBias?: Weight;
  /** `[..., K']`; its storage is taken over where it dies here. */
  readonly residual: Tensor;
  /**
   * How many runs of rows to take one after another: the widest tensor of a transformer block, `[..., I]`, then exists
   * for one run at a time. Every run reads the weights again, so more runs cost bandwidth.
   */
  readonly slices: number;
  readonly label: string;
}

/**
 * A transformer block's feed-forward: `residual + out · (value · gelu(gate))`, as diffusers' FeedForward with GEGLU, its
 * inner activations held for a slice of the rows only; for all of them in a graph of visible inputs.
 *
 * @param x - `[..., K]`.
 * @returns `[..., K']`.
 * @throws ShapeError `shape/mismatch` when sizes, dtypes or layouts do not fit.
 */
export function gegluFeedForward(g: Graph, x: Tensor, options: GegluFeedForwardOptions): Tensor {
  const { proj, projBias, out: w, outBias, residual, slices, label } = options;
  const where = `gegluFeedForward ${label}`;
  const { k, n: inner } = expectGeglu(where, x, proj, projBias);
  const n = w.source.shape[0] ?? 0;
  const rows = rowCount(x.shape);
  expectLayout(where, w, linearLayout);
  expectThat(where, Number.isInteger(slices) && slices > 0, `a whole number of slices, got ${slices}.`);
  expectWeightShape(where, 'an output weight of', w, [n, inner]);
  if (outBias) expectWeightShape(where, 'an output bias of', outBias, [n]);
  const shape = [...x.shape.slice(0, -1), n];
  expectShape(where, 'a residual of', residual, shape);
  expectThat(where, residual !== x, 'a residual other than the input, got one tensor twice. Normalise first.');
  if (g.visibleInputs) {
    const hidden = geglu(g, x, proj, { bias: projBias, label: `${label}.net.0` });
    return linear(g, hidden, w, { bias: outBias, residual, label });
  }
  const out = g.tensor(label, shape, x.dtype);
  const perSlice = Math.ceil(rows / slices);
  const branch = linearBranch(g, x, proj, { label: `${label}.proj` });
  // The closing branch reads the inner activations, which are there for a slice at a time.
  const closing = branchWeights(g, w);
  g.add({
    op: 'gegluFeedForward',
    label,
    inputs: branch ? [x, residual, branch.rows] : [x, residual],
    weights: [
      proj,
      w,
      ...(projBias ? [projBias] : []),
      ...(outBias ? [outBias] : []),
      ...(branch ? [branch.up] : []),
      ...(closing ? [closing.down, closing.up] : []),
    ],
    layerInputs: [{ weight: proj, tensors: [x] }],
    outputs: [out],
    inPlace: residual.dtype === out.dtype ? residual : undefined,
    lower(context) {
      const { profile, inPlace } = context;
      if (rows === 0) return [];
      const hidden = context.scratch('hidden', [perSlice, inner], x.dtype);
      const narrow = closing && context.scratch('branch', [perSlice, closing.rank], 'f32');
      const dispatches: Dispatch[] = [];
      for (let first = 0; first < rows; first += perSlice) {
        const range = { first, end: Math.min(rows, first + perSlice) };
        const gated: Product = {
          input: plainInput(x, 'none', profile),
          weight: blockedWeight(proj, profile),
          epilogue: productEpilogue(
            {
              out: hidden,
              outOrigin: first,
              bias: projBias,
              branch,
              activation: 'gelu',
              gated: true,
              bound: new Map([[x, 'x']]),
            },
            profile,
          ),
        };
        const input = plainInput(hidden, 'none', profile, first);
        const bound = new Map([[hidden, 'x']]);
        const closingBranch = closing && narrow && { rows: narrow, origin: first, up: closing.up };
        const steps: (readonly [product: Product, key: string, weight: Weight, flops: number])[] = [
          [gated, `geglu ${perSlice}x${k}x${inner}`, proj, 4 * inner * k + branchFlops(branch)],
        ];
        if (closing && narrow) {
          const down: Product = {
            input,
            weight: blockedWeight(closing.down, profile),
            epilogue: productEpilogue({ out: narrow, outOrigin: first, bound }, profile),
          };
          steps.push([down, `linear ${perSlice}x${inner}x${closing.rank}`, closing.down, 2 * closing.rank * inner]);
        }
        const last: Product = {
          input,
          weight: blockedWeight(w, profile),
          epilogue: productEpilogue({ out, bias: outBias, branch: closingBranch, residual, inPlace, bound }, profile),
        };
        steps.push([last, `linear ${perSlice}x${inner}x${n}`, w, 2 * n * inner + branchFlops(closingBranch)]);
        for (const [product, key, weight, flops] of steps) {
          const variant = chooseVariant(`${key} ${x.dtype} ${storageName(weight)}`, product, context);
          dispatches.push(...productDispatches(where, product, variant, flops, profile, range));
        }
      }
      return dispatches;
    },
  });
  return out;
}
