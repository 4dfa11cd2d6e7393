import {
  rowCount,
  tensorBytes,
  type BoundTensor,
  type BoundWeight,
  type Graph,
  type LowerContext,
  type Tensor,
  type Weight,
} from '@pleinair/tensor';
import { columnsOf } from '../shader/columns.js';
import { foldGrid } from '../shader/grid.js';
import { bindRows, rowBands } from '../shader/row-bands.js';
import { expectThat, expectWeightShape } from '../shader/shape-checks.js';
import { teamUnsupported, type TeamKind } from '../shader/team.js';
import { uniformData } from '../shader/uniforms.js';
import { layerNormFields, layerNormKernel } from './layer-norm-kernels.js';

/** Options of {@link layerNorm}. */
export interface LayerNormOptions {
  /** `[C]`, layout `plainRows`. */
  readonly gamma: Weight;
  readonly beta: Weight;
  readonly eps: number;
  /** Where in the model this stands. */
  readonly label: string;
}

/**
 * LayerNorm over the last dimension, statistics in f32: `[…, C]` → the same shape and dtype. The output may take over
 * `x`'s storage.
 *
 * @throws ShapeError when gamma or beta is not `[C]`.
 */
export function layerNorm(g: Graph, x: Tensor, options: LayerNormOptions): Tensor {
  const { gamma, beta, eps, label } = options;
  const where = `layerNorm ${label}`;
  const channels = x.shape[x.shape.length - 1] ?? 0;
  expectThat(where, x.shape.length >= 1, 'x […, channels], got a scalar. Give activations channels last.');
  expectWeightShape(where, 'gamma', gamma, [channels]);
  expectWeightShape(where, 'beta', beta, [channels]);
  const rows = rowCount(x.shape);
  const out = g.tensor(label, x.shape, x.dtype);
  g.add({
    op: 'layerNorm',
    label,
    inputs: [x],
    weights: [gamma, beta],
    outputs: [out],
    inPlace: x,
    lower(context) {
      const { profile, inPlace } = context;
      if (rows === 0 || channels === 0) return [];
      const variant = chooseVariant(context, `layerNorm|${rows}|${channels}|${x.dtype}`);
      const kernel = layerNormKernel(variant, { x, out, gamma, beta, inPlace }, profile);
      return rowBands('layerNorm', rows, [x, out], profile).map((band) => {
        const from = bindRows(x, band, profile);
        const to = bindRows(out, band, profile);
        const bindings: (BoundTensor | BoundWeight)[] = [
          from.bound,
          ...(inPlace ? [] : [to.bound]),
          { weight: gamma },
          { weight: beta },
        ];
        return {
          kernel,
          bindings,
          uniforms: uniformData(layerNormFields, {
            rows: band.rows,
            channels,
            columns: columnsOf(x),
            xBase: from.base,
            outBase: to.base,
            eps,
          }),
          workgroups: foldGrid(band.rows, profile),
          flops: band.rows * channels * 7, // add; subtract, multiply-add; subtract, multiply, multiply-add
          bytesMoved: (2 * tensorBytes(x) * band.rows) / rows + gamma.byteLength + beta.byteLength,
        };
      });
    },
  });
  return out;
}

function chooseVariant(context: LowerContext, shapeKey: string): TeamKind {
  const variants = (['subgroup', 'workgroup'] as const).filter((v) => !teamUnsupported(v, context.profile));
  const picked = context.pick(shapeKey, variants);
  return variants.find((v) => v === picked) ?? variants[0]!;
}
