/**
 * Attention of many keys, some at a time, in memory that does not grow with them: the online softmax of FlashAttention
 * (arXiv 2205.14135), its blocks being runs of a segment. Each run multiplies a block of queries with a block of keys and
 * adds to what the runs before left: of every query the greatest score yet, Σ exp and Σ exp·v, all three scaled down when a
 * greater score is found. One head, as a VAE's middle has.
 */
import { rowCount, type Dispatch, type Graph, type LowerContext, type Tensor } from '@pleinair/tensor';
import { productDispatches } from '../product/dispatch.js';
import { worthTiming } from '../product/variant.js';
import { expectBindable } from '../shader/row-bands.js';
import { expectShape, expectThat } from '../shader/shape-checks.js';
import { ordered, variantOrder } from './order.js';
import { runningProduct } from './running-product.js';
import { runningStatistics } from './running-statistics.js';
import { scoresProduct } from './split-products.js';
import { splitVariants, type SplitVariant } from './split.js';
import { transposedBytes, transposeKeys } from './transpose-keys.js';
import { productFlops, type AttentionProblem } from './variant.js';

/** Options of {@link runningAttention}. */
export interface RunningAttentionOptions {
  /** `[1, …, C]`. */
  readonly q: Tensor;
  /** A block of keys and their values, `[1, …, C]`: number `position` of blocks of this size. */
  readonly k: Tensor;
  readonly v: Tensor;
  /** u32 `[1]`; at 0 sums begin anew. */
  readonly position: Tensor;
  /** Keys of all blocks together; what the last one has beyond them is not looked at. */
  readonly keys: number;
  /** Σ exp·v of every query, f32 of `q`'s shape, kept between runs. */
  readonly sums: Tensor;
  /** Of every query the greatest score, Σ exp, and the factor of the sums at the last run; f32 `[queries, 4]`, kept between runs. */
  readonly statistics: Tensor;
  readonly label: string;
}

/**
 * Adds a block of keys to the attention of some queries; see `finishedAttention` for its end.
 *
 * @throws ShapeError `shape/mismatch`.
 */
export function runningAttention(g: Graph, options: RunningAttentionOptions): void {
  const { q, k, v, position, keys, sums, statistics, label } = options;
  const where = `runningAttention ${label}`;
  const channels = q.shape.at(-1)!;
  const queries = rowCount(q.shape);
  expectThat(where, q.shape[0] === 1, `one image, got ${q.shape[0]}. Take them in turn.`);
  expectShape(where, 'k', k, [1, ...k.shape.slice(1, -1), channels]);
  expectShape(where, 'v', v, k.shape);
  expectShape(where, 'sums of', sums, q.shape);
  expectShape(where, 'statistics of', statistics, [queries, 4]);
  expectThat(where, rowCount(k.shape) > 0, 'at least one key in a block, got none. Make blocks larger.');
  const problem: AttentionProblem = {
    q,
    k,
    v,
    out: sums,
    batch: 1,
    queries,
    keys: rowCount(k.shape),
    heads: 1,
    headDim: channels,
    causal: false,
    scale: 1 / Math.sqrt(channels),
  };
  g.add({
    op: 'runningAttention',
    label,
    inputs: [q, k, v, position, sums, statistics],
    weights: [],
    outputs: [sums, statistics],
    lower(context) {
      if (queries * channels === 0) return [];
      expectBindable('runningAttention', [q, k, v, sums], context.profile);
      return lowered(problem, { position, keys, statistics }, context);
    },
  });
}

function lowered(
  problem: AttentionProblem,
  run: Pick<RunningAttentionOptions, 'position' | 'keys' | 'statistics'>,
  context: LowerContext,
): Dispatch[] {
  const { profile } = context;
  const { product } = chooseVariant(problem, context);
  const { k, queries, keys } = problem;
  const bytes = transposedBytes(problem, 1, keys);
  const scratch = {
    scores: context.scratch('scores', [queries, keys], 'f32'),
    transposed: context.scratch('transposed', [bytes / (k.dtype === 'f16' ? 2 : 4)], k.dtype),
    statistics: run.statistics,
  };
  const all = { firstHead: 0, heads: 1 };
  const tile = { ...all, firstQuery: 0, queries };
  const perRow = productFlops(problem) / queries;
  const dispatches = (what: ReturnType<typeof scoresProduct>): Dispatch[] =>
    productDispatches('runningAttention', what, product, perRow, profile);
  return [
    transposeKeys(problem, { ...all, firstKey: 0, keys }, scratch.transposed, profile),
    ...dispatches(scoresProduct(problem, tile, { ...all, firstKey: 0, keys }, scratch, profile)),
    runningStatistics(problem, { ...run, scores: scratch.scores }, profile),
    ...dispatches(runningProduct(problem, tile, scratch, profile)),
  ];
}

function chooseVariant(problem: AttentionProblem, context: LowerContext): SplitVariant {
  const { profile } = context;
  const able = ordered(
    splitVariants.filter((variant) => variant.unsupported(problem, profile) === undefined),
    variantOrder(problem, profile),
  );
  const guess = able[0]!;
  const timed = worthTiming(able, profile);
  const { queries, keys, headDim, q, k } = problem;
  const picked = context.pick(
    `attention running|${queries}x${keys}|${headDim}|${q.dtype}${k.dtype}`,
    able.map(({ name }) => name),
    (timed.includes(guess) ? timed : [guess, ...timed]).map(({ name }) => name),
  );
  return able.find(({ name }) => name === picked) ?? guess;
}
