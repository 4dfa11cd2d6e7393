import type { LowerContext } from '@pleinair/tensor';
import { columnsVariant } from './columns.js';
import { fewRowsVariant } from './few-rows.js';
import type { Product } from './parts.js';
import { tiledVariant } from './tiled.js';
import type { ProductVariant } from './variant.js';

/** Every way a product can be shared out; which of them an adapter supports depends on it. */
export const productVariants: readonly ProductVariant[] = [
  columnsVariant(4, 8),
  columnsVariant(8, 8),
  columnsVariant(16, 8),
  columnsVariant(32, 8),
  columnsVariant(16, 16),
  tiledVariant({ tx: 8, ty: 8, rows: 4, columns: 1, depth: 4 }),
  tiledVariant({ tx: 16, ty: 8, rows: 8, columns: 1, depth: 4 }),
  tiledVariant({ tx: 8, ty: 16, rows: 8, columns: 2, depth: 4 }),
  fewRowsVariant(4),
];

/**
 * The tuner's variant for this product, or a guess from its size: on software adapters columns of registers passed round
 * a subgroup, elsewhere the largest tile that still gives every core of a middling GPU work.
 *
 * @param others - Ways to do the same that are not one product, by name: the tuner chooses among them as well.
 * @param preferred - One of them, to be taken where no tuner has run.
 */
export function chooseVariant<Other extends { readonly name: string } = never>(
  shapeKey: string,
  product: Product,
  context: LowerContext,
  others: readonly Other[] = [],
  preferred?: Other,
): ProductVariant | Other {
  const { profile } = context;
  const supported = productVariants.filter((v) => v.unsupported(product, profile) === undefined);
  const picked = context.pick(
    shapeKey,
    [...supported, ...others].map((v) => v.name),
  );
  const named = (name: string): ProductVariant | undefined => supported.find((v) => v.name === name);
  const order = profile.isSoftware ? softwareOrder(product, context) : gpuOrder(product, context);
  return (
    (picked === undefined ? undefined : (named(picked) ?? others.find((v) => v.name === picked))) ??
    preferred ??
    order.map(named).find((v) => v !== undefined) ??
    named('tiled32x32')!
  );
}

function softwareOrder(product: Product, { profile }: LowerContext): readonly string[] {
  const rows = product.input.rows;
  const lanes = profile.subgroupMinSize;
  if (rows <= lanes) return [lanes <= 4 ? 'columns4x32' : 'columns8x32'];
  // Narrow subgroups have registers to spare for a second pair of columns; gates take that room.
  if (lanes <= 4 && !product.epilogue.gated && product.epilogue.columns > 32) return ['columns16x64'];
  return product.epilogue.gated ? ['columns8x32'] : ['columns16x32'];
}

function gpuOrder(product: Product, { profile }: LowerContext): readonly string[] {
  const { rows } = product.input;
  if (rows <= 8) return ['few4'];
  const groups = (name: string): number => {
    const variant = productVariants.find((v) => v.name === name)!;
    return Math.ceil(rows / variant.rows(profile)) * Math.ceil(product.epilogue.columns / 4 / variant.columns(profile));
  };
  return ['tiled128x64', 'tiled64x64'].filter((name) => groups(name) >= 128);
}
