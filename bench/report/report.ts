import { geometricMean } from '../measure/statistics.js';

/** What the adapter can do at best, as measured. */
export interface Peaks {
  /** Multiply-adds in registers, f32, a multiply-add counting 2: the best of several loops. */
  readonly fmaGflops: number;
  /** Which loop it was. */
  readonly fmaLoop: string;
  /** GB/s of a copy, reads and writes counted. */
  readonly copyGbPerS: number;
}

/** One shape, timed. */
export interface BenchResult {
  readonly suite: string;
  /** Name and sizes, e.g. `sdxl 640 3×3, 1×16×16×640 → 640, sides ÷4`. */
  readonly shape: string;
  /** The variant that ran, as lowered; the kernels' names where there is no choice. */
  readonly variant: string;
  /** The kernels that ran, the heaviest first. */
  readonly kernels?: readonly string[];
  /** False of a variant that was forced beside the one a user would get; those count in no summary. */
  readonly chosen?: boolean;
  readonly ms: number;
  /** How far the rounds disagree, relative to the time: above 0.25 the machine was too busy to believe it. */
  readonly spread?: number;
  /** Of the direct algorithm, whatever was really computed. */
  readonly gflops?: number;
  /** The time the nearer limit (multiply-adds or memory traffic) allows, over the time taken. */
  readonly shareOfPeak?: number;
  /** Processor time, on software adapters. */
  readonly cpuMs?: number;
  readonly peer?: { readonly name: string; readonly ms: number; readonly cpuMs?: number };
  /** The peer's time over ours: above 1 when ours is faster. */
  readonly ratio?: number;
  /** Relative RMS difference of the two engines' outputs. */
  readonly difference?: number;
  /** Why there is no peer although one was asked for. */
  readonly note?: string;
  /** Further figures of a suite, e.g. bytes. */
  readonly figures?: Readonly<Record<string, number>>;
}

/** A shape that could not be measured. */
export interface BenchFailure {
  readonly suite: string;
  readonly shape: string;
  readonly reason: string;
}

/** What `npm run bench -- --json FILE` writes. */
export interface BenchReport {
  readonly adapter: {
    readonly name: string;
    readonly vendor: string;
    readonly architecture: string;
    readonly software: boolean;
  };
  readonly versions: Readonly<Record<string, string>>;
  readonly date: string;
  /** The command that makes such a report. */
  readonly command: string;
  readonly dtype: 'f32' | 'f16';
  readonly peaks?: Peaks;
  readonly results: readonly BenchResult[];
  /** Shapes that could not be measured, and why. */
  readonly failures: readonly BenchFailure[];
  readonly summary: Summary;
}

/** All ratios in two numbers. */
export interface Summary {
  /** Geometric mean over suites of each suite's geometric mean. */
  readonly geomeanRatio?: number;
  readonly minRatio?: number;
  readonly suites: Readonly<Record<string, { readonly geomeanRatio: number; readonly minRatio: number }>>;
}

/** The summary of all results that have a ratio: each suite weighs the same, however many shapes it has. */
export function summarise(results: readonly BenchResult[]): Summary {
  const bySuite = new Map<string, number[]>();
  for (const { suite, ratio, chosen } of results) {
    if (ratio !== undefined && chosen !== false) bySuite.set(suite, [...(bySuite.get(suite) ?? []), ratio]);
  }
  const suites = Object.fromEntries(
    [...bySuite].map(([suite, ratios]) => [
      suite,
      { geomeanRatio: geometricMean(ratios), minRatio: Math.min(...ratios) },
    ]),
  );
  const means = Object.values(suites);
  if (means.length === 0) return { suites };
  return {
    geomeanRatio: geometricMean(means.map(({ geomeanRatio }) => geomeanRatio)),
    minRatio: Math.min(...means.map(({ minRatio }) => minRatio)),
    suites,
  };
}

/**
 * How near to the adapter's limits a kernel came: the least time that its multiply-adds or its memory traffic need,
 * whichever is longer, over the time it took. Traffic that stays in caches can take this above 1.
 */
export function shareOfPeak(work: { flops: number; bytesMoved: number; ms: number }, peaks: Peaks): number {
  const leastMs = Math.max(work.flops / peaks.fmaGflops, work.bytesMoved / peaks.copyGbPerS) / 1e6;
  return leastMs / work.ms;
}
