import {
  rowCount,
  type Dispatch,
  type Graph,
  type LayerInput,
  type LowerContext,
  type Tensor,
  type Weight,
} from '@pleinair/tensor';
import { isMeasured, measureChannels } from '../norm/channel-statistics.js';
import type { ProductAlternatives } from './alternatives.js';
import { chooseVariant, productSplits } from './choose.js';
import { productDispatches } from './dispatch.js';
import { lowerMeasured } from './moments.js';
import type { Product } from './parts.js';
import { splitAlternatives } from './split.js';
import type { ProductVariant } from './variant.js';

/** A product as an op records it. */
export interface ProductNode {
  readonly op: string;
  readonly label: string;
  readonly inputs: readonly Tensor[];
  readonly weights: readonly Weight[];
  /** What the weight is multiplied with, where that lies in tensors. */
  readonly layerInput?: LayerInput;
  /** A {@link MeasuredTensor} where its channels' statistics are wanted too. */
  readonly out: Tensor;
  /** The residual, when the output may take over its storage. */
  readonly inPlace?: Tensor;
  /** Work of one output row by the direct algorithm. */
  readonly flopsPerRow: number;
  /** Sizes and dtypes, for the tuner. */
  readonly shapeKey: string;
  /**
   * Composes the parts for an adapter.
   *
   * @param moments - Where the epilogue is to leave moments of blocks of rows, if it is to.
   */
  product(context: LowerContext, moments?: Tensor): Product;
  /** Ways to do the same that are not one product. */
  alternatives?(context: LowerContext): ProductAlternatives;
}

/** Records a product node in the graph and gives its output. */
export function recordProduct(g: Graph, node: ProductNode): Tensor {
  const where = `${node.op} ${node.label}`;
  const measured = isMeasured(node.out) ? node.out : undefined;
  g.add({
    op: node.op,
    label: node.label,
    inputs: [...new Set(node.inputs)],
    weights: node.weights,
    layerInputs: node.layerInput && [node.layerInput],
    outputs: measured ? [node.out, measured.channelStatistics] : [node.out],
    inPlace: node.inPlace,
    lower(context) {
      const product = node.product(context);
      const { variants, preferred } = node.alternatives?.(context) ?? { variants: [] };
      const splits = splitAlternatives(productSplits, { where, product, flopsPerRow: node.flopsPerRow }, context);
      const variant = chooseVariant(node.shapeKey, product, context, [...variants, ...splits], preferred);
      const asProduct = (one: Product, as: ProductVariant): Dispatch[] =>
        productDispatches(where, one, as, node.flopsPerRow, context.profile);
      const plain = 'lower' in variant ? variant.lower() : asProduct(product, variant);
      if (!measured || rowCount(measured.shape) === 0) return plain;
      if ('lower' in variant) return [...plain, ...measureChannels(measured, context)];
      const withMoments = (moments: Tensor): Dispatch[] => asProduct(node.product(context, moments), variant);
      return lowerMeasured(plain, { out: measured, variant, withMoments }, context);
    },
  });
  return node.out;
}
