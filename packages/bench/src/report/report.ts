import { geometricMean } from '../measure/statistics.js';
import type { ScaleName } from '../shapes/scale.js';

/** A limit of the adapter, as measured: never more than one of the readings gave. */
export interface Peak {
  readonly best: number;
  /** Of the way that gave the best; far below it where the machine was busy. */
  readonly median: number;
  readonly least: number;
  readonly unit: 'GFLOP/s' | 'GB/s';
  readonly readings: number;
  /** The loop, or the way to copy, that gave the best. */
  readonly how: string;
}

/** What the names of peers begin with that are ourselves, run in another way. */
const ourName = 'pleinair';

/** The peer's name where palettized weights are compared with the same as half floats, in our own kernels. */
export const halvesPeer = `${ourName} fp16 weights`;

/** What the adapter can do at best. */
export interface Peaks {
  /** Multiply-adds in registers in f32, which is how all kernels accumulate; a multiply-add counts 2. */
  readonly fma: Peak;
  /** The same in f16, where there is `shader-f16`. */
  readonly fmaF16?: Peak;
  /** A copy, reads and writes counted. */
  readonly copy: Peak;
}

/** One shape, timed. */
export interface BenchResult {
  readonly suite: string;
  /** Name and sizes, e.g. `sdxl down_blocks.1 resnet 3×3, 1×16×16×640, sides ÷4`. */
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
  /** Work by the direct algorithm, whatever was really computed: a multiply-add counts 2. */
  readonly flops?: number;
  /** Bytes read and written by all kernels, as planned. */
  readonly bytesMoved?: number;
  /** `flops` over the time. */
  readonly gflops?: number;
  /** The time the nearer limit (multiply-adds or memory traffic) allows, over the time taken. */
  readonly shareOfPeak?: number;
  /** Processor time, on software adapters. */
  readonly cpuMs?: number;
  readonly peer?: { readonly name: string; readonly ms: number; readonly cpuMs?: number };
  /** The peer's time over ours: above 1 when ours is faster. */
  readonly ratio?: number;
  /** Relative RMS difference of the two engines' outputs, or of a variant's from the chosen one's. */
  readonly difference?: number;
  /** Why there is no peer although one was asked for, or what is special about it. */
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

/** The adapter that was measured. */
export interface BenchAdapter {
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  /** Runs on the processor. */
  readonly software: boolean;
  /** Features that kernels could use. */
  readonly features: readonly string[];
}

/** What a measurement leaves behind, as JSON. */
export interface BenchReport {
  readonly adapter: BenchAdapter;
  readonly versions: Readonly<Record<string, string>>;
  /** Year, month, day. */
  readonly date: string;
  /** The command that makes such a report. */
  readonly command: string;
  readonly dtype: 'f32' | 'f16';
  /** Size of the shapes of op suites, and why it was chosen. */
  readonly scale: { readonly name: ScaleName; readonly reason: string };
  readonly peaks: Peaks;
  readonly results: readonly BenchResult[];
  /** Shapes that could not be measured, and why. */
  readonly failures: readonly BenchFailure[];
  readonly summary: Summary;
}

/** All ratios in two numbers. */
export interface Summary {
  /** Geometric mean over suites of each suite's geometric mean; see {@link summarise}. */
  readonly geomeanRatio?: number;
  readonly minRatio?: number;
  readonly suites: Readonly<Record<string, { readonly geomeanRatio: number; readonly minRatio: number }>>;
}

/**
 * The summary of all results that have a ratio: each suite weighs the same, however many shapes it has. Suites in which we
 * are compared with ourselves count in the whole only where there are no others: what a ratio says is something else.
 */
export function summarise(results: readonly BenchResult[]): Summary {
  const bySuite = new Map<string, number[]>();
  const own = new Set<string>();
  for (const { suite, ratio, chosen, peer } of results) {
    if (ratio === undefined || chosen === false) continue;
    bySuite.set(suite, [...(bySuite.get(suite) ?? []), ratio]);
    if (peer?.name.startsWith(ourName)) own.add(suite);
  }
  const suites = Object.fromEntries(
    [...bySuite].map(([suite, ratios]) => [
      suite,
      { geomeanRatio: geometricMean(ratios), minRatio: Math.min(...ratios) },
    ]),
  );
  const others = Object.entries(suites).filter(([suite]) => !own.has(suite));
  const means = (others.length > 0 ? others : Object.entries(suites)).map(([, one]) => one);
  if (means.length === 0) return { suites };
  return {
    geomeanRatio: geometricMean(means.map(({ geomeanRatio }) => geomeanRatio)),
    minRatio: Math.min(...means.map(({ minRatio }) => minRatio)),
    suites,
  };
}

/**
 * How near to the adapter's limits a kernel came: the least time that its multiply-adds or its memory traffic need,
 * whichever is longer, over the time it took. Traffic that stays in caches can take this above 1, and so can algorithms
 * that need fewer multiply-adds than the direct one, and matrix units, which f32 loops do not reach.
 */
export function shareOfPeak(work: { flops: number; bytesMoved: number; ms: number }, peaks: Peaks): number {
  const leastMs = Math.max(work.flops / peaks.fma.best, work.bytesMoved / peaks.copy.best) / 1e6;
  return leastMs / work.ms;
}

/** A result with its rate and share, by the peaks as they are known now: better ones may be read later in a run. */
export function withShare(result: BenchResult, peaks: Peaks): BenchResult {
  const { flops, bytesMoved, ms } = result;
  if (flops === undefined || bytesMoved === undefined) return result;
  return { ...result, shareOfPeak: rounded(shareOfPeak({ flops, bytesMoved, ms }, peaks)) };
}

/** Puts a report together: shares by the final peaks, and the summary. */
export function toReport(run: Omit<BenchReport, 'date' | 'summary'>, now: Date = new Date()): BenchReport {
  const results = run.results.map((result) => withShare(result, run.peaks));
  const { adapter, versions, command, dtype, scale, peaks, failures } = run;
  return {
    adapter,
    versions,
    date: now.toISOString().slice(0, 10),
    command,
    dtype,
    scale,
    peaks,
    results,
    failures,
    summary: summarise(results),
  };
}

/** Four digits are more than the clock gives. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
