/**
 * Attention for heads too wide for registers (the VAE's one head of 512), with partially fused softmax (arXiv
 * 2304.11267, section 3.1) and bounded score memory:
 *
 * 1. `scores`: s = q·kᵀ for a tile of queries, written in f32;
 * 2. `statistics`: two numbers a row, its maximum and 1/Σ exp;
 * 3. `weighted`: out = Σ exp(s − maximum)·(1/Σ)·v, the exponential applied as scores load. softmax(s) is never written.
 *
 * Heads are taken as many at a time as the bound allows; a single head beyond it is taken in tiles of queries.
 */
import type { Dispatch, LowerContext, Tensor } from '@pleinair/tensor';
import { scoresDispatch, statisticsDispatch, weightedDispatch, type ScoreTile } from './split-kernels.js';
import type { AttentionProblem, AttentionVariant } from './variant.js';

/** Most bytes of scores alive at once: what Google's engine allows SDXL's 64×64 level (one head's 4096² halves). */
const scoreBytesBound = 32 * 2 ** 20;

/** Queries of a tile are a multiple of this, unless it is the last. */
const tileStep = 64;

/** Scores in bounded tiles; see the file's head. */
export const split: AttentionVariant = {
  name: 'split',
  unsupported() {
    return undefined;
  },
  lower(problem, context) {
    const plan = planTiles(problem, context.profile.limits.maxStorageBufferBindingSize);
    const rows = plan.heads * plan.queries;
    const scores = context.scratch('scores', [rows, problem.keys], 'f32');
    const statistics = context.scratch('statistics', [rows, 2], 'f32');
    return tiles(problem, plan).flatMap((tile) => lowerTile(problem, tile, scores, statistics, context));
  },
};

/** How much is taken at a time. */
export interface SplitPlan {
  /** Heads (of all images) in one tile. */
  readonly heads: number;
  /** Queries in one tile. */
  readonly queries: number;
}

/** Cuts a problem so that one tile's scores keep within the bound and the adapter's binding limit. */
export function planTiles(
  problem: Pick<AttentionProblem, 'batch' | 'heads' | 'queries' | 'keys'>,
  bindingLimit: number,
): SplitPlan {
  const rowBytes = Math.ceil(problem.keys / 4) * 16;
  const rows = Math.max(1, Math.floor(Math.min(scoreBytesBound, bindingLimit) / rowBytes));
  if (rows < problem.queries) {
    const queries = rows < tileStep ? rows : Math.floor(rows / tileStep) * tileStep;
    return { heads: 1, queries };
  }
  return { heads: Math.min(problem.batch * problem.heads, Math.floor(rows / problem.queries)), queries: problem.queries };
}

function tiles(problem: AttentionProblem, plan: SplitPlan): ScoreTile[] {
  const result: ScoreTile[] = [];
  const heads = problem.batch * problem.heads;
  for (let firstHead = 0; firstHead < heads; firstHead += plan.heads) {
    for (let firstQuery = 0; firstQuery < problem.queries; firstQuery += plan.queries) {
      result.push({
        firstHead,
        heads: Math.min(plan.heads, heads - firstHead),
        firstQuery,
        queries: Math.min(plan.queries, problem.queries - firstQuery),
      });
    }
  }
  return result;
}

function lowerTile(
  problem: AttentionProblem,
  tile: ScoreTile,
  scores: Tensor,
  statistics: Tensor,
  { profile }: LowerContext,
): Dispatch[] {
  return [
    scoresDispatch(problem, tile, scores, profile),
    statisticsDispatch(problem, tile, scores, statistics, profile),
    weightedDispatch(problem, tile, scores, statistics, profile),
  ];
}
