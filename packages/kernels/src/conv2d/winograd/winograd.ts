import { inLayout, storageName, type Dispatch, type LowerContext, type Tensor, type Weight } from '@pleinair/tensor';
import { chooseVariant } from '../../product/choose.js';
import { canBind, productDispatches } from '../../product/dispatch.js';
import { productEpilogue, type EpilogueOptions } from '../../product/epilogue.js';
import { blockWidth, padTo4 } from '../../product/layout.js';
import type { Product, ProductEpilogue, ProductWeight } from '../../product/parts.js';
import type { NormOnLoad } from '../conv-input.js';
import type { ConvGeometry } from '../geometry.js';
import { readRows, type MovingRows } from '../moving-rows.js';
import { winogradTransforms, type TileSize, type WinogradTransforms } from './cook-toom.js';
import { inputTransform } from './input-transform.js';
import { outputTransform } from './output-transform.js';
import { winogradStorage, type WinogradStorage } from './precision.js';
import { filtersWeight, productsEpilogue, tilesInput } from './product-parts.js';
import { winogradSlices, type WinogradSlices } from './slices.js';
import { pixelRows, tileGrid, type TileGrid } from './tiles.js';
import { winogradLayout } from './weight-layout.js';
import { filtersOnLoad } from './weight-on-load.js';
import { weightTransform, type BlockRange } from './weight-transform.js';

/** A 3×3 convolution of stride 1, as it is to be lowered. */
export interface WinogradConv {
  /** Op and label, for errors. */
  readonly where: string;
  readonly geometry: ConvGeometry;
  readonly inputs: readonly Tensor[];
  /** Channels of each input. */
  readonly cins: readonly number[];
  readonly weight: Weight;
  readonly norm: NormOnLoad | undefined;
  /** The picture is worked through in bands; its geometry's heights are then the band's, but for the one it slides over. */
  readonly moving?: MovingRows;
  readonly epilogue: EpilogueOptions;
  /** Work of one output pixel by the direct algorithm. */
  readonly flopsPerRow: number;
}

/**
 * Where transformed weights come from. `stored`: laid out once, as the checkpoint loads, (m + 2)²/9 times the size.
 * `sliced`: transformed into scratch, some outputs at a time, in every run. `loaded`: from the nine taps by the product, as
 * it loads them.
 */
export type WeightForm = 'stored' | 'sliced' | 'loaded';

/** A way to lower a convolution, beside those of the direct kernel. */
export interface WinogradVariant {
  /** `winograd4`, `winograd4-sliced`, `winograd4-loaded`. */
  readonly name: string;
  readonly m: TileSize;
  readonly form: WeightForm;
  /** Tiles of its largest slice: rows of its products. */
  readonly tiles: number;
  lower(): Dispatch[];
}

const forms: readonly WeightForm[] = ['stored', 'sliced', 'loaded'];

/** Tile sizes that are offered. m = 8 enlarges roundings 331 times and is no faster than 6: see docs/kernels/conv2d.md. */
const offeredSizes: readonly TileSize[] = [2, 4, 6];

/** Generated once: exact fractions take longer than all else that planning a convolution does. */
const offeredTransforms: readonly WinogradTransforms[] = offeredSizes.map((m) => winogradTransforms(m));

/** Fewest channels on either side, and fewest tiles, for which a tuner should spend time on Winograd's algorithm. */
const leastChannels = 8;
const leastTiles = 4;

/**
 * The Winograd variants that can do a convolution here: sizes worth it, room for a slice of the transformed tiles, and no
 * more rounding than the direct kernel's tolerance.
 */
export function winogradVariants(conv: WinogradConv, context: LowerContext): WinogradVariant[] {
  const { geometry, cins } = conv;
  const cout = conv.weight.source.shape[0]!;
  if (geometry.kernel !== 3 || geometry.stride !== 1 || geometry.pad !== 1) return [];
  if (
    Math.min(
      cout,
      cins.reduce((sum, c) => sum + c, 0),
    ) < leastChannels
  )
    return [];
  const variants: WinogradVariant[] = [];
  for (const transforms of offeredTransforms) {
    const { m } = transforms;
    const grid = tileGrid(geometry, m);
    if (grid.tiles < leastTiles) continue;
    for (const form of forms) {
      const plan = planForm(conv, context, transforms, grid, form);
      if (!plan) continue;
      const name = `winograd${m}${form === 'stored' ? '' : `-${form}`}`;
      variants.push({ name, m, form, tiles: plan.slices.tiles, lower: () => lowerWinograd(conv, context, plan) });
    }
  }
  return variants;
}

interface FormPlan {
  readonly transforms: WinogradTransforms;
  readonly grid: TileGrid;
  readonly form: WeightForm;
  readonly storage: WinogradStorage;
  readonly slices: WinogradSlices;
  readonly paddedK: number;
  readonly cout: number;
  /** The weight transformed, in the form `stored`. */
  readonly stored: Weight | undefined;
}

function planForm(
  conv: WinogradConv,
  context: LowerContext,
  transforms: WinogradTransforms,
  grid: TileGrid,
  form: WeightForm,
): FormPlan | undefined {
  const { weight, cins, inputs, geometry, moving } = conv;
  const { profile } = context;
  const cout = weight.source.shape[0]!;
  const limit = profile.limits.maxStorageBufferBindingSize;
  // Palettized weights stay packed: only what is worked out of them on the fly is whole.
  if (form === 'stored' && (weight.palette || !context.transformedWeights)) return undefined;
  const stored = form === 'stored' ? inLayout(weight, winogradLayout(transforms.m, cins)) : undefined;
  if ((stored ?? weight).byteLength > limit) return undefined;
  const filters = ({ stored: weight.storage, sliced: 'any', loaded: 'none' } as const)[form];
  const storage = winogradStorage(transforms.amplification, inputs[0]!.dtype, filters);
  if (!storage) return undefined;
  const paddedK = cins.reduce((sum, c) => sum + padTo4(c), 0);
  const epilogue = productEpilogue(conv.epilogue, profile);
  const slices = winogradSlices({
    grid,
    paddedK,
    cout,
    storage,
    scratchFilters: form === 'sliced',
    room: context.room,
    profile,
    bindable: (lines) => {
      const rows = pixelRows(grid, lines);
      const read = readRows(geometry, moving, rows);
      return (
        inputs.every((x) => canBind({ source: x, rows: () => read }, rows, profile)) &&
        epilogue.operands.every((operand) => canBind(operand, rows, profile))
      );
    },
  });
  return slices && { transforms, grid, form, storage, slices, paddedK, cout, stored };
}

function lowerWinograd(conv: WinogradConv, context: LowerContext, plan: FormPlan): Dispatch[] {
  const { transforms, grid, form, storage, slices, paddedK, cout } = plan;
  const { profile } = context;
  const transformed = context.scratch('points', [grid.points, slices.tiles, paddedK], storage.points);
  const products = context.scratch('products', [grid.points, slices.tiles, cout], storage.products);
  const most = Math.max(...slices.blocks.map(({ first, end }) => end - first));
  const filters =
    form === 'sliced'
      ? context.scratch('filters', [grid.points, most, paddedK, blockWidth], storage.filters)
      : undefined;
  const epilogue: ProductEpilogue = productEpilogue(conv.epilogue, profile);
  const { inputs, norm, moving } = conv;
  const input = { transforms, grid, inputs, norm, moving, transformed };
  const dispatches: Dispatch[] = [];
  const toScratch = (blocks: BlockRange): void => {
    dispatches.push(weightTransform(transforms, conv.weight, filters!, blocks, paddedK, profile));
  };
  if (filters && slices.blocks.length === 1) toScratch(slices.blocks[0]!);
  for (const lines of slices.lines) {
    const tiles = (lines.end - lines.first) * grid.tilesX;
    const pixels = pixelRows(grid, lines);
    dispatches.push(...inputTransform(input, lines, profile));
    for (const blocks of slices.blocks) {
      if (filters && slices.blocks.length > 1) toScratch(blocks);
      const columns = {
        first4: blocks.first * (blockWidth / 4),
        count: Math.min(cout, blocks.end * blockWidth) - blocks.first * blockWidth,
      };
      const product: Product = {
        batches: grid.points,
        input: tilesInput(transformed, tiles, profile),
        weight: weightPart(conv, context, plan, filters, blocks),
        epilogue: productsEpilogue(products, tiles, columns, profile),
      };
      const key = `winograd${grid.m}-product ${form} ${tiles}x${paddedK}x${columns.count} ${storage.points} ${storage.products}${form === 'loaded' ? ` ${storageName(conv.weight)}` : ''}`;
      const variant = chooseVariant(key, product, context);
      // What the direct algorithm would do for these outputs, over what is done.
      const direct = ((pixels.end - pixels.first) * conv.flopsPerRow * columns.count) / cout;
      const perRow = 2 * conv.cins.reduce((sum, c) => sum + c, 0) * columns.count;
      for (const dispatch of productDispatches(conv.where, product, variant, perRow, profile)) {
        dispatches.push({ ...dispatch, flops: direct, executedFlops: dispatch.flops });
      }
    }
    dispatches.push(outputTransform({ transforms, grid, products, epilogue }, lines, profile));
  }
  return dispatches;
}

function weightPart(
  { weight }: WinogradConv,
  { profile }: LowerContext,
  { transforms, form, stored, paddedK, cout }: FormPlan,
  filters: Tensor | undefined,
  blocks: BlockRange,
): ProductWeight {
  if (form === 'loaded') return filtersOnLoad(transforms, weight, paddedK, profile);
  if (stored) return filtersWeight(stored, Math.ceil(cout / blockWidth), profile);
  return filtersWeight(filters!, blocks.end - blocks.first, profile);
}
