import type { Dispatch, Graph, LowerContext, Tensor, Weight } from '@pleinair/tensor';
import { chooseVariant } from './choose.js';
import { productDispatches } from './dispatch.js';
import type { Product } from './parts.js';

/** A product as an op records it. */
export interface ProductNode {
  readonly op: string;
  readonly label: string;
  readonly inputs: readonly Tensor[];
  readonly weights: readonly Weight[];
  readonly out: Tensor;
  /** The residual, when the output may take over its storage. */
  readonly inPlace?: Tensor;
  /** Work of one output row by the direct algorithm. */
  readonly flopsPerRow: number;
  /** Sizes and dtypes, for the tuner. */
  readonly shapeKey: string;
  /** Composes the parts for an adapter. */
  product(context: LowerContext): Product;
  /** Ways to do the same that are not one product. */
  alternatives?(context: LowerContext): ProductAlternatives;
}

/** Ways to do what a product does by other algorithms. */
export interface ProductAlternatives {
  readonly variants: readonly ProductAlternative[];
  /** The one to take where no tuner has run, if any. */
  readonly preferred?: ProductAlternative;
}

/** Another algorithm for a product. */
export interface ProductAlternative {
  /** Its name among the product's variants. */
  readonly name: string;
  lower(): readonly Dispatch[];
}

/** Records a product node in the graph and gives its output. */
export function recordProduct(g: Graph, node: ProductNode): Tensor {
  const where = `${node.op} ${node.label}`;
  g.add({
    op: node.op,
    label: node.label,
    inputs: [...new Set(node.inputs)],
    weights: node.weights,
    outputs: [node.out],
    inPlace: node.inPlace,
    lower(context) {
      const product = node.product(context);
      const { variants, preferred } = node.alternatives?.(context) ?? { variants: [] };
      const variant = chooseVariant(node.shapeKey, product, context, variants, preferred);
      if ('lower' in variant) return variant.lower();
      return productDispatches(where, product, variant, node.flopsPerRow, context.profile);
    },
  });
  return node.out;
}
