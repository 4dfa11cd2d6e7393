import type { DeviceProfile, LowerContext } from '@pleinair/tensor';
import { columnsVariant } from './columns.js';
import { fewRowsVariant } from './few-rows.js';
import { matrixVariant } from './matrix.js';
import type { Product } from './parts.js';
import { splitName, type Split } from './split.js';
import { tiledVariant } from './tiled.js';
import { workgroupsOf, worthTiming, type MadeFor, type ProductVariant } from './variant.js';

const tiled32x32 = tiledVariant({ tx: 8, ty: 8, rows: 4, columns: 1, depth: 4 });
const tiled64x64 = tiledVariant({ tx: 16, ty: 8, rows: 8, columns: 1, depth: 4 });
const tiled128x64 = tiledVariant({ tx: 8, ty: 16, rows: 8, columns: 2, depth: 4 });
const tiled128x128 = tiledVariant({ tx: 16, ty: 16, rows: 8, columns: 2, depth: 2 });
const matrix32x32 = matrixVariant({ rows: 32, columns: 32, subgroupRows: 16, subgroupColumns: 16 });
const matrix64x64 = matrixVariant({ rows: 64, columns: 64, subgroupRows: 32, subgroupColumns: 32 });
const matrix128x128 = matrixVariant({ rows: 128, columns: 128, subgroupRows: 64, subgroupColumns: 32 });

/** Every way a product can be shared out; which of them an adapter supports depends on it. */
export const productVariants: readonly ProductVariant[] = [
  columnsVariant(4, 8),
  columnsVariant(8, 8),
  columnsVariant(16, 8),
  columnsVariant(32, 8),
  columnsVariant(16, 16),
  tiled32x32,
  tiled64x64,
  tiled128x64,
  tiled128x128,
  tiledVariant({ tx: 8, ty: 16, rows: 8, columns: 2, depth: 4, halves: true }),
  matrix32x32,
  matrix64x64,
  matrix128x128,
  fewRowsVariant(4),
];

/** Every way a product can be cut along K; see `splitUnsupported`. */
export const productSplits: readonly Split[] = [
  { variant: tiled32x32, slices: 4 },
  ...[tiled64x64, matrix64x64].flatMap((variant) => [2, 4, 8].map((slices) => ({ variant, slices }))),
];

/**
 * The tuner's variant for this product, or a guess from its size: on software adapters columns of registers passed round
 * a subgroup, elsewhere the largest tile that still gives every core of a middling GPU work, in matrix units where there
 * are any that fit, and cut along K (among `others`) where whole sums are too few.
 *
 * @param others - Ways to do the same that are not one product, by name: the tuner chooses among them as well.
 * @param preferred - One of them, to be taken where no tuner has run.
 */
export function chooseVariant<Other extends { readonly name: string; readonly madeFor?: MadeFor } = never>(
  shapeKey: string,
  product: Product,
  context: LowerContext,
  others: readonly Other[] = [],
  preferred?: Other,
): ProductVariant | Other {
  const { profile } = context;
  const supported: (ProductVariant | Other)[] = productVariants.filter(
    (v) => v.unsupported(product, profile) === undefined,
  );
  supported.push(...others);
  const named = (name: string): ProductVariant | Other | undefined => supported.find((v) => v.name === name);
  const order = profile.isSoftware ? softwareOrder(product, profile) : gpuOrder(product, profile);
  const guess = preferred ?? [...order, tiled32x32.name].map(named).find((v) => v !== undefined) ?? tiled32x32;
  const timed = worthTiming(supported, profile);
  const picked = context.pick(
    shapeKey,
    supported.map(({ name }) => name),
    (timed.includes(guess) ? timed : [...timed, guess]).map(({ name }) => name),
  );
  return (picked === undefined ? undefined : named(picked)) ?? guess;
}

/** Multiply-adds from which a larger block, which takes a second longer to translate, soon wins that back. */
const largeProduct = 2 ** 27;

function softwareOrder(product: Product, { subgroupMinSize: lanes }: DeviceProfile): readonly string[] {
  const { input, epilogue, batches = 1 } = product;
  if (input.rows <= lanes) return [lanes <= 4 ? 'columns4x32' : 'columns8x32'];
  // Narrow subgroups have registers to spare for a second pair of columns; gates take that room.
  if (lanes <= 4 && !epilogue.gated && epilogue.columns > 32) return ['columns16x64'];
  // Sums a lane: twice as many need a quarter fewer loads each, where the rows fill them. More outgrow code caches.
  const work = batches * input.rows * input.paddedK * epilogue.columns * (epilogue.gated ? 2 : 1);
  const rows = epilogue.gated ? 8 : 16;
  const filled = Math.ceil(input.rows / (2 * rows)) * 2 * rows <= 1.1 * Math.ceil(input.rows / rows) * rows;
  const larger = work >= largeProduct && filled ? [`columns${2 * rows}x32`] : [];
  return [...larger, `columns${rows}x32`];
}

/** Workgroups that give every core of a middling GPU work. */
const busyWorkgroups = 128;

/** Large tiles while there are enough of them; then tiles whose K is cut; then small ones. Matrix units before others. */
function gpuOrder(product: Product, profile: DeviceProfile): readonly string[] {
  if (product.input.rows <= 8) return [fewRowsVariant(4).name];
  const groups = (variant: ProductVariant): number => workgroupsOf(variant, product, profile) * (product.batches ?? 1);
  const whole = (variants: readonly ProductVariant[]): string[] =>
    variants.filter((variant) => groups(variant) >= busyWorkgroups).map(({ name }) => name);
  // The fewest slices that do, else the most there are.
  const split = (variant: ProductVariant): string[] => {
    const all = productSplits.filter((one) => one.variant === variant);
    return [...all.filter(({ slices }) => groups(variant) * slices >= busyWorkgroups), ...all.toReversed()].map(
      splitName,
    );
  };
  return [
    ...whole([matrix128x128, matrix64x64]),
    ...split(matrix64x64),
    matrix32x32.name,
    ...whole([tiled128x64, tiled64x64]),
    ...split(product.input.rows > 32 ? tiled64x64 : tiled32x32),
  ];
}
