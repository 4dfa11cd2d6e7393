import type { ProgramPlan } from './plan.js';
import { peakLiveBytes, planArena, planWholeBuffers } from './planner.js';

/** Bytes one segment's intermediates take under each way of placing them. */
export interface PlacementComparison {
  readonly segment: string;
  /** Storages placed; in-place chains count once. */
  readonly tensors: number;
  /** Everything in a buffer of its own. */
  readonly naiveBytes: number;
  /** The most alive at once: no placement can do better. */
  readonly peakLiveBytes: number;
  /** One arena with offsets: what runs. */
  readonly arenaBytes: number;
  /** A pool of whole buffers, reused. */
  readonly wholeBuffersBytes: number;
  /** Milliseconds the arena planner took. */
  readonly arenaMs: number;
}

/** Compares ways of placing a plan's intermediates, segment by segment: the measurement behind the choice of an arena. */
export function comparePlacements(plan: ProgramPlan): readonly PlacementComparison[] {
  const alignment = Math.max(plan.profile.limits.minStorageBufferOffsetAlignment, 16);
  return plan.segments.map(({ name, lifetimes, naiveBytes }) => {
    const started = performance.now();
    const arenaBytes = planArena(lifetimes, alignment, plan.arenaPageBytes).bytes;
    return {
      segment: name,
      tensors: lifetimes.length,
      naiveBytes,
      peakLiveBytes: peakLiveBytes(lifetimes, alignment),
      arenaBytes,
      wholeBuffersBytes: planWholeBuffers(lifetimes, alignment),
      arenaMs: performance.now() - started,
    };
  });
}
