/**
 * Attention in three kernels, for heads too wide for registers (the VAE's one head of 512) and for software adapters, with
 * partially fused softmax (arXiv 2304.11267, section 3.1) and bounded score memory:
 *
 * 1. `scores`: s = q·kᵀ for a tile of heads or queries, written in f32;
 * 2. `statistics`: two numbers a row, its maximum and 1/Σ exp;
 * 3. `weighted`: out = Σ exp(s − maximum)·(1/Σ)·v, the exponential applied as scores load. softmax(s) is never written.
 *
 * Heads are taken as many at a time as the bound allows; a single head beyond it is taken in tiles of queries. Head
 * widths are uniforms: one text serves all.
 */
import type { DeviceProfile, Dispatch, LowerContext } from '@pleinair/tensor';
import { scoresDispatch } from './split-scores.js';
import { statisticsDispatch } from './split-statistics.js';
import { sharingUnsupported, type ScoreTile, type Sharing } from './split-tile.js';
import { weightedDispatch } from './split-weighted.js';
import type { AttentionProblem, AttentionVariant } from './variant.js';

/**
 * Most bytes of scores alive at once: what Google's engine allows SDXL's 64×64 level (one head's 4096² halves). On software
 * adapters what a CPU's caches hold, since nothing there is gained from more at a time.
 */
const scoreBytesBound = { device: 32 * 2 ** 20, software: 4 * 2 ** 20 };

/** Queries of a tile are a multiple of this, unless it is the last. */
const tileStep = 64;

/** Scores in bounded tiles; see the file's head. Runs anywhere. */
export const split: AttentionVariant = {
  name: 'split',
  unsupported: () => undefined,
  lower: (problem, context) => lowerSplit(problem, 'plain', context),
};

/** The same with operands passed round small subgroups. */
export const splitSubgroup: AttentionVariant = {
  name: 'split-subgroup',
  unsupported: (_problem, profile) => sharingUnsupported(profile),
  lower: (problem, context) => lowerSplit(problem, 'subgroup', context),
};

function lowerSplit(problem: AttentionProblem, sharing: Sharing, context: LowerContext): Dispatch[] {
  const { profile } = context;
  const plan = planTiles(problem, profile);
  const rows = plan.heads * plan.queries;
  const scores = context.scratch('scores', [rows, problem.keys], 'f32');
  const statistics = context.scratch('statistics', [rows, 2], 'f32');
  return tiles(problem, plan).flatMap((tile) => [
    scoresDispatch(problem, tile, scores, sharing, profile),
    statisticsDispatch(problem, tile, scores, statistics, profile),
    weightedDispatch(problem, tile, scores, statistics, sharing, profile),
  ]);
}

/** How much is taken at a time. */
interface SplitPlan {
  /** Heads (of all images) in one tile. */
  readonly heads: number;
  /** Queries in one tile. */
  readonly queries: number;
}

/** Cuts a problem so that one tile's scores keep within the bound and the adapter's binding limit. */
function planTiles(
  problem: Pick<AttentionProblem, 'batch' | 'heads' | 'queries' | 'keys'>,
  profile: DeviceProfile,
): SplitPlan {
  const bound = profile.isSoftware ? scoreBytesBound.software : scoreBytesBound.device;
  const rowBytes = Math.ceil(problem.keys / 4) * 16;
  const rows = Math.max(1, Math.floor(Math.min(bound, profile.limits.maxStorageBufferBindingSize) / rowBytes));
  if (rows < problem.queries) {
    const queries = rows < tileStep ? rows : Math.floor(rows / tileStep) * tileStep;
    return { heads: 1, queries };
  }
  return {
    heads: Math.min(problem.batch * problem.heads, Math.floor(rows / problem.queries)),
    queries: problem.queries,
  };
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
