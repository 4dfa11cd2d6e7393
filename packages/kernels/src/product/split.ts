import type { DeviceProfile, Dispatch, LowerContext, Tensor } from '@pleinair/tensor';
import { tensorBuffer } from '../shader/declare.js';
import type { ProductAlternative } from './alternatives.js';
import { productDispatches } from './dispatch.js';
import type { Product, ProductEpilogue, ProductInput, ProductWeight, RowRange } from './parts.js';
import { workgroupsOf, type ProductVariant } from './variant.js';

/** How a product is cut along K: the variant each slice runs in, and how many slices. */
export interface Split {
  readonly variant: ProductVariant;
  readonly slices: number;
}

/** What a split product needs to be lowered. */
export interface SplitProduct {
  /** Op and label, for errors. */
  readonly where: string;
  readonly product: Product;
  readonly flopsPerRow: number;
  /** Rows to compute; all of the input's by default. */
  readonly range?: RowRange;
}

/** vec4s of K' that a slice has at least: with fewer, writing its sums costs more than they did. */
const leastSliceK4 = 48;

/** Workgroups that keep any GPU busy, or any processor: a product with so many is not split. */
const enoughWorkgroups = { gpu: 512, software: 16 };

/**
 * Why a product is not cut along K, or nothing. Deep layers at low resolution are: of few rows and columns, so that whole
 * sums would occupy a part of a GPU only, and of long K.
 */
export function splitUnsupported(product: Product, split: Split, profile: DeviceProfile): string | undefined {
  const { input, epilogue, batches } = product;
  if (batches !== undefined) return 'its batches fill the grid';
  if (epilogue.gated) return 'gated products come with many columns';
  if (epilogue.readsInput) return 'its epilogue cannot stand without its input';
  if (input.rows === 0) return 'it has no rows';
  if (input.paddedK / 4 < leastSliceK4 * split.slices) return 'K is too short';
  const enough = enoughWorkgroups[profile.isSoftware ? 'software' : 'gpu'];
  if (workgroupsOf(split.variant, product, profile) >= enough) return 'the grid is large enough whole';
  if (partialBytes(product, split, product.input.rows) > profile.limits.maxStorageBufferBindingSize) {
    return 'its partial sums are beyond the binding limit';
  }
  return split.variant.unsupported(product, profile);
}

/** Bytes of the partial sums of so many rows: f32, one a slice. */
export function partialBytes(product: Product, { slices }: Split, rows: number): number {
  return slices * rows * Math.ceil(product.epilogue.columns / 4) * 16;
}

/**
 * The ways to cut a product along K for which there is room: each slice is a batch that adds up its part of K into scratch,
 * then a second kernel adds up the slices and does what the epilogue says.
 */
export function splitAlternatives(
  splits: readonly Split[],
  given: SplitProduct,
  context: LowerContext,
): ProductAlternative[] {
  const rows = given.range ? given.range.end - given.range.first : given.product.input.rows;
  return splits
    .filter((split) => splitUnsupported(given.product, split, context.profile) === undefined)
    .filter((split) => partialBytes(given.product, split, rows) <= context.room)
    .map((split) => ({
      name: splitName(split),
      madeFor: split.variant.madeFor,
      lower: () => lowerSplit(split, given, context),
    }));
}

/** A split's name among the variants, e.g. `tiled64x64k4`. */
export function splitName({ variant, slices }: Split): string {
  return `${variant.name}k${slices}`;
}

function lowerSplit(split: Split, given: SplitProduct, context: LowerContext): Dispatch[] {
  const { where, product, flopsPerRow, range = { first: 0, end: product.input.rows } } = given;
  const { profile } = context;
  const { slices } = split;
  const n4 = Math.ceil(product.epilogue.columns / 4);
  const rows = range.end - range.first;
  const partial = context.scratch('slices', [slices, rows, n4 * 4], 'f32');
  const place = { rows, first: range.first };
  const sliced: Product = {
    batches: slices,
    sliceK4: Math.ceil(product.input.paddedK / 4 / slices),
    input: product.input,
    weight: product.weight,
    epilogue: partialEpilogue(partial, place, profile),
  };
  const whole: Product = {
    input: partialInput(partial, { ...place, slices, bandRows: product.input.bandRows, end: range.end }, profile),
    weight: noWeight,
    epilogue: product.epilogue,
  };
  const variant: ProductVariant = { ...split.variant, name: splitName(split) };
  return [
    ...productDispatches(where, sliced, variant, flopsPerRow / slices, profile, range),
    ...productDispatches(where, whole, addSlices, 0, profile, range),
  ];
}

interface Place {
  readonly rows: number;
  /** The product's row that the first row of scratch stands for. */
  readonly first: number;
}

const placeUniforms = { slice_rows: 'u32', slice_first: 'u32' } as const;

const placeText = `fn slice_at(slice: u32, m: u32, n4: u32) -> u32 { return (slice * u.slice_rows + m - u.slice_first) * u.n4 + n4; }`;

/** Keeps a slice's sums as they are. */
function partialEpilogue(partial: Tensor, { rows, first }: Place, profile: DeviceProfile): ProductEpilogue {
  return {
    kind: 'epilogue',
    gated: false,
    columns: partial.shape.at(-1)!,
    operands: [{ declaration: tensorBuffer('partial', partial, profile), source: partial }],
    uniforms: placeUniforms,
    values: { slice_rows: rows, slice_first: first },
    text: `${placeText}
fn finish(m: u32, n4: u32, sum: vec4<f32>) { store_partial(slice_at(batch, m, n4), sum); }`,
  };
}

/** Gives {@link addSlices} the slices' sums; it has no rows to load in the sense of a product's. */
function partialInput(
  partial: Tensor,
  place: Place & { readonly end: number; readonly slices: number; readonly bandRows: number },
  profile: DeviceProfile,
): ProductInput {
  return {
    kind: 'input',
    operands: [{ declaration: tensorBuffer('partial', partial, profile), source: partial }],
    rows: place.end,
    bandRows: place.bandRows,
    paddedK: place.slices,
    uniforms: placeUniforms,
    values: { slice_rows: place.rows, slice_first: place.first },
    text: `${placeText}
fn load_slice(slice: u32, m: u32, n4: u32) -> vec4<f32> { return load_partial(slice_at(slice, m, n4)); }`,
  };
}

const noWeight: ProductWeight = { kind: 'weight', columns: 0, operands: [], uniforms: {}, values: {}, text: '' };

const addRows = 4;
const addColumns = 16;

/** Adds up slices, `u.k` of them, an invocation a vec4: no multiplications. */
const addSlices: ProductVariant = {
  name: 'add-slices',
  rows: () => addRows,
  columns: () => addColumns,
  unsupported: () => undefined,
  body: () => `@compute @workgroup_size(${addRows * addColumns})
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) t: u32,
) {
  let block = wid.x + wid.y * groups.x;
  if (block >= u.blocks) { return; }
  let m = u.m_first + (block % u.m_blocks) * ${addRows}u + t / ${addColumns}u;
  let n4 = (block / u.m_blocks) * ${addColumns}u + t % ${addColumns}u;
  if (m >= u.m_end || n4 >= u.n4) { return; }
  var sum = vec4<f32>();
  for (var slice = 0u; slice < u.k; slice++) { sum += load_slice(slice, m, n4); }
  finish(m, n4, sum);
}`,
};
