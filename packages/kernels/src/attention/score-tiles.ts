import type { DeviceProfile } from '@pleinair/tensor';
import { headColumns, type AttentionProblem } from './variant.js';

/**
 * A run of heads (numbered through all images) and of their queries. Its score rows are numbered head by head, query by
 * query.
 */
export interface ScoreTile {
  readonly firstHead: number;
  readonly heads: number;
  readonly firstQuery: number;
  readonly queries: number;
}

/** How much is taken at a time. */
export interface TilePlan {
  /** Heads (of all images) in one tile. */
  readonly heads: number;
  /** Queries in one tile. */
  readonly queries: number;
  /** Keys of each head that lie transposed at once, a multiple of {@link keyBlock} or all of them. */
  readonly keys: number;
}

/**
 * Bytes of scores alive at once. The least is taken where scratch is dear, more where the plan has room, never more than
 * the most: what Google's engine allows SDXL's 64×64 level (one head's 4096² halves; ML Drift counts heads a tile as
 * 4096² / (queries · keys)). Software adapters gain nothing from more at a time: between half a MiB and 16 the processor
 * time of SDXL's shapes stays the same.
 */
const scoreBytesBound = {
  device: { least: 4 * 2 ** 20, most: 32 * 2 ** 20 },
  software: { least: 4 * 2 ** 20, most: 4 * 2 ** 20 },
};

/** Most bytes of transposed keys where the plan has no more room. */
const leastKeyBytes = 4 * 2 ** 20;

/**
 * Whatever the bounds, scores and transposed keys may each take this share of the keys' own bytes: a picture of tens of
 * thousands of tokens would otherwise be cut into tiles by the hundred thousand.
 */
const shareOfKeys = 1 / 4;

/** Queries of a tile are a multiple of this, unless it is the last. */
const queryStep = 64;

/** Transposed keys lie in blocks of this many, as a product's weights do. */
export const keyBlock = 32;

/**
 * Cuts a problem so that one tile's scores keep within the bound and the adapter's binding limit: as many heads as fit,
 * or of a head that does not fit a run of queries.
 *
 * @param room - Bytes of scratch that cost nothing here.
 * @param transposes - True for forms that keep transposed keys beside the scores.
 */
export function planTiles(
  problem: AttentionProblem,
  profile: DeviceProfile,
  room: number,
  transposes: boolean,
): TilePlan {
  const { batch, heads, queries, keys } = problem;
  const { least, most } = profile.isSoftware ? scoreBytesBound.software : scoreBytesBound.device;
  const limit = profile.limits.maxStorageBufferBindingSize;
  const rowBytes = Math.ceil(keys / 4) * 16;
  const perKey = headColumns(problem) * (problem.k.dtype === 'f16' ? 8 : 16);
  // A head's transposed keys, and what is left to its rows: maximum and sum take 16 bytes beside a row's scores.
  const allKeyBytes = transposes ? Math.ceil(keys / keyBlock) * keyBlock * perKey : 0;
  const shared = keys * perKey * shareOfKeys;
  const budget = Math.min(Math.max(most, shared), Math.max(least, shared, room));
  const rows = Math.max(1, Math.floor(Math.min(budget, limit) / (rowBytes + 16)));
  if (rows < queries) {
    const whole = rows < queryStep ? rows : Math.floor(rows / queryStep) * queryStep;
    const keyBudget = Math.min(Math.max(leastKeyBytes, shared, room - whole * (rowBytes + 16)), limit);
    const keysAtOnce =
      allKeyBytes <= keyBudget ? keys : Math.max(1, Math.floor(keyBudget / (keyBlock * perKey))) * keyBlock;
    return { heads: 1, queries: whole, keys: Math.min(keys, keysAtOnce) };
  }
  const perHead = queries * (rowBytes + 16) + allKeyBytes;
  const fitting = Math.floor(Math.min(budget / perHead, limit / Math.max(queries * rowBytes, allKeyBytes)));
  return { heads: Math.max(1, Math.min(batch * heads, fitting)), queries, keys };
}

/** The first tile of a plan: none is larger. */
export function firstTile({ queries }: AttentionProblem, plan: TilePlan): ScoreTile {
  return { firstHead: 0, heads: plan.heads, firstQuery: 0, queries: Math.min(plan.queries, queries) };
}

/** The tiles of a plan, head by head and in it query by query. */
export function scoreTiles(problem: AttentionProblem, plan: TilePlan): ScoreTile[] {
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

/** The part of all query rows that a tile covers. */
export function tileShare({ batch, heads, queries }: AttentionProblem, tile: ScoreTile): number {
  return (tile.heads * tile.queries) / (batch * heads * queries);
}

/** Bytes of a tile's scores. */
export function scoreBytes({ keys }: AttentionProblem, tile: ScoreTile): number {
  return tile.heads * tile.queries * Math.ceil(keys / 4) * 16;
}
