import type { Device } from '@pleinair/tensor';
import { tuningAdapter } from './adapter-key.js';
import type { TuningExtent, TuningRecord } from './record.js';
import type { TuningStore } from './store.js';

/** One way of computing a shape, and what it took. */
export interface VariantTime {
  readonly variant: string;
  /** Milliseconds of one run; absent where the adapter failed to compile or run it. */
  readonly ms?: number;
}

/** A stored record for people to read. Plain data. */
export interface TuningResult {
  /** What was timed: its sizes and dtypes. */
  readonly shape: string;
  /** The first word of that, e.g. `conv`. */
  readonly op: string;
  /** The variant taken without a tuner; absent where that was not found out. */
  readonly heuristic?: string;
  /** The variant that runs take: the heuristic's where none was found to be faster. */
  readonly taken?: string;
  /**
   * How many times as fast as the heuristic's choice: 1 where that is taken. Of readings taken in turn, unlike
   * {@link times}, which were read at different moments.
   */
  readonly speedup: number;
  /** Fastest first, those that failed last. */
  readonly times: readonly VariantTime[];
  readonly extent: TuningExtent;
  /** When, in milliseconds since 1970. */
  readonly at: number;
}

/**
 * What a store knows of a device's adapter, by shape.
 *
 * @throws `TuningStoreError` `tuning/unreadable`
 */
export async function tuningResults(
  device: Pick<Device, 'gpu' | 'profile'>,
  store: TuningStore,
): Promise<TuningResult[]> {
  const records = await store.load(tuningAdapter(device));
  return [...records.values()].map(tuningResult).sort((a, b) => (a.shape < b.shape ? -1 : a.shape > b.shape ? 1 : 0));
}

/** A record as a person wants it. */
export function tuningResult({ shape, heuristic, winner, winnerShare, times, extent, at }: TuningRecord): TuningResult {
  const taken = winner ?? heuristic;
  return {
    shape,
    op: shape.split(' ')[0]!,
    ...(heuristic !== undefined && { heuristic }),
    ...(taken !== undefined && { taken }),
    speedup: winner === undefined || winner === heuristic ? 1 : 1 / (winnerShare ?? 1),
    times: Object.entries(times)
      .sort(([, a], [, b]) => (a ?? Infinity) - (b ?? Infinity))
      .map(([variant, ms]) => (ms === null ? { variant } : { variant, ms })),
    extent,
    at,
  };
}
