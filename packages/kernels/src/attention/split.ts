/**
 * Attention with scores in bounded tiles and partially fused softmax (arXiv 2304.11267, section 3.1):
 *
 * 1. `scores`: s = q·kᵀ for a tile of heads or queries, written in f32;
 * 2. `statistics`: two numbers a row, its maximum and 1/Σ exp;
 * 3. `weighted`: out = Σ exp(s − maximum)·v · 1/Σ, the exponential applied as scores load. softmax(s) is never written.
 *
 * Heads are taken as many at a time as there is room for; a single head beyond it is taken in tiles of queries. Head widths
 * are uniforms: one text serves all. Both products are products like any other (`split-products.ts`), so there is one form
 * of split attention for every way to share a product out.
 */
import type { Dispatch, DType, LowerContext, Tensor } from '@pleinair/tensor';
import { productVariants } from '../product/choose.js';
import { productDispatches } from '../product/dispatch.js';
import { uniformsOf, type Product } from '../product/parts.js';
import type { ProductVariant } from '../product/variant.js';
import { changedUniforms, type UniformFields } from '../shader/uniforms.js';
import { firstTile, planTiles, scoreTiles, tileShare } from './score-tiles.js';
import { scoresProduct, weightedProduct, type SplitScratch } from './split-products.js';
import { statisticsDispatch } from './split-statistics.js';
import { transposedBytes, transposeFields, transposeKeys, type KeyRun } from './transpose-keys.js';
import { productFlops, type AttentionProblem, type AttentionVariant } from './variant.js';

/** Split attention in one variant of products. */
export interface SplitVariant extends AttentionVariant {
  readonly product: ProductVariant;
}

/** Both products through the product kernels, in one of their variants. */
function splitInto(product: ProductVariant): SplitVariant {
  return {
    product,
    name: `split-${product.name}`,
    family: product.enables?.some((name) => name.includes('subgroup')) ? 'subgroup' : 'split',
    madeFor: product.madeFor,
    unsupported(problem, profile) {
      const plan = planTiles(problem, profile, 0, true);
      const tile = firstTile(problem, plan);
      // Stands for scratch, whose form alone matters here.
      const nowhere = (name: string, dtype: DType): Tensor => ({ id: -1, name, shape: [1, problem.keys], dtype });
      const scratch = {
        scores: nowhere('scores', 'f32'),
        statistics: nowhere('statistics', 'f32'),
        transposed: nowhere('transposed', problem.k.dtype),
      };
      const run = { firstHead: 0, heads: tile.heads, firstKey: 0, keys: plan.keys };
      return (
        product.unsupported(scoresProduct(problem, tile, run, scratch, profile), profile) ??
        product.unsupported(weightedProduct(problem, tile, scratch, profile), profile)
      );
    },
    lower: (problem, context) => lowerProducts(problem, product, context),
  };
}

function lowerProducts(problem: AttentionProblem, variant: ProductVariant, context: LowerContext): Dispatch[] {
  const { profile } = context;
  const where = 'attention';
  const plan = planTiles(problem, profile, context.room, true);
  const { k, keys } = problem;
  // The shape only has to have the bytes: blocks of 32 keys by the head's padded width.
  const bytes = transposedBytes(problem, plan.heads, plan.keys);
  const scratch: SplitScratch = {
    ...tileScratch(problem, plan, context),
    transposed: context.scratch('transposed', [bytes / (k.dtype === 'f16' ? 2 : 4)], k.dtype),
  };
  const kinds = new TileKinds();
  const made = (product: Product, flopsPerRow: number): Made => ({
    fields: uniformsOf(product),
    dispatches: productDispatches(where, product, variant, flopsPerRow, profile),
  });
  const dispatches: Dispatch[] = [];
  let lying: KeyRun | undefined;
  for (const tile of scoreTiles(problem, plan)) {
    const flops = productFlops(problem) * tileShare(problem, tile);
    const perRow = flops / (tile.heads * tile.queries);
    const size = `${tile.heads}x${tile.queries}`;
    const place = { first_head: tile.firstHead, first_query: tile.firstQuery };
    for (let firstKey = 0; firstKey < keys; firstKey += plan.keys) {
      const run = {
        firstHead: tile.firstHead,
        heads: tile.heads,
        firstKey,
        keys: Math.min(plan.keys, keys - firstKey),
      };
      if (!lying || lying.firstHead !== run.firstHead || lying.firstKey !== firstKey) {
        const at = { firstHead: run.firstHead, firstKey };
        const transpose = (): Made => ({
          fields: transposeFields,
          dispatches: [transposeKeys(problem, run, scratch.transposed, profile)],
        });
        dispatches.push(...kinds.take(`transpose ${run.heads}x${run.keys}`, at, transpose));
        lying = run;
      }
      const scores = (): Made => made(scoresProduct(problem, tile, run, scratch, profile), (perRow * run.keys) / keys);
      const at = { ...place, first_key4: firstKey / 4 };
      dispatches.push(...kinds.take(`scores ${size}x${run.keys}`, at, scores));
    }
    const statistics = (): Made => ({
      fields: {},
      dispatches: [statisticsDispatch(problem, tile, scratch.scores, scratch.statistics, profile)],
    });
    const weighted = (): Made => made(weightedProduct(problem, tile, scratch, profile), perRow);
    dispatches.push(...kinds.take(`statistics ${size}`, {}, statistics));
    dispatches.push(...kinds.take(`weighted ${size}`, place, weighted));
  }
  return dispatches;
}

/** Dispatches and the uniforms of their kernel. */
interface Made {
  readonly fields: UniformFields;
  readonly dispatches: readonly Dispatch[];
}

/**
 * Dispatches of tiles that differ in nothing but where they begin are made once and then moved: there may be hundreds, and
 * each kernel's text takes longer to put together than all the rest of a dispatch.
 */
class TileKinds {
  private readonly known = new Map<string, Made>();

  /**
   * @param kind - What tiles of a kind have in common.
   * @param at - The uniforms that say where the tile begins.
   * @param make - Makes the dispatches, if no tile of the kind was made before.
   */
  take(kind: string, at: Readonly<Record<string, number>>, make: () => Made): readonly Dispatch[] {
    const known = this.known.get(kind);
    if (!known) {
      const first = make();
      this.known.set(kind, first);
      return first.dispatches;
    }
    return known.dispatches.map((dispatch) => moved(dispatch, known.fields, at));
  }
}

function moved(dispatch: Dispatch, fields: UniformFields, at: Readonly<Record<string, number>>): Dispatch {
  const { uniforms } = dispatch;
  return uniforms ? { ...dispatch, uniforms: changedUniforms(fields, uniforms, at) } : dispatch;
}

function tileScratch(
  problem: AttentionProblem,
  plan: { readonly heads: number; readonly queries: number },
  context: LowerContext,
): Pick<SplitScratch, 'scores' | 'statistics'> {
  const rows = plan.heads * plan.queries;
  return {
    scores: context.scratch('scores', [rows, problem.keys], 'f32'),
    statistics: context.scratch('statistics', [rows, 2], 'f32'),
  };
}

/** Split attention through every variant of products, but those for a handful of rows. */
export const splitVariants: readonly SplitVariant[] = productVariants
  .filter(({ name }) => !name.startsWith('few'))
  .map(splitInto);
