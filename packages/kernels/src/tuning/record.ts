/** How far the tuner has gone with a shape. */
export type TuningExtent =
  /** Its turn did not come within the budget. */
  | 'none'
  /** Some variants were timed. */
  | 'some'
  /** Every variant that the adapter supports was timed. */
  | 'all';

/** What was found out about one shape on one adapter. */
export interface TuningRecord {
  /** The shape key that nodes ask `pick` with. */
  readonly shape: string;
  /** The subject's `basis`: other variants, or other kernels of the heuristic's choice, make another record. */
  readonly basis: string;
  /** The variant that is taken without a tuner; absent where that was not found out. */
  readonly heuristic?: string;
  /** The variant to take instead, which beat the heuristic's by the margin; absent where none did. */
  readonly winner?: string;
  /**
   * The winner's time as a share of the heuristic's. From readings taken in turn, which {@link times} are not: those of
   * variants that met at different moments do not compare on a machine with other work. Absent where there is no winner.
   */
  readonly winnerShare?: number;
  /** Identifies the texts of each variant's kernels: the record is stale where they have changed. */
  readonly kernels: Readonly<Record<string, string>>;
  /** Milliseconds of one run by variant; null for one that this adapter failed to compile or run. */
  readonly times: Readonly<Record<string, number | null>>;
  readonly extent: TuningExtent;
  /** When, in milliseconds since 1970. */
  readonly at: number;
}

/** Where a record belongs. */
export function recordKey({ shape, basis }: Pick<TuningRecord, 'shape' | 'basis'>): string {
  return `${shape}#${basis}`;
}

/** Reads a record from what a store holds; nothing where it is none. */
export function parseRecord(value: unknown): TuningRecord | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { shape, basis, heuristic, winner, winnerShare, kernels, times, extent, at } = value as Record<string, unknown>;
  if (![shape, basis].every((text) => typeof text === 'string' && text !== '')) return undefined;
  if (![heuristic, winner].every((text) => text === undefined || typeof text === 'string')) return undefined;
  if (typeof kernels !== 'object' || kernels === null) return undefined;
  if (!Object.values(kernels).every((hash) => typeof hash === 'string')) return undefined;
  // A winner without its kernels could never be told stale.
  if (winner !== undefined && !((winner as string) in kernels)) return undefined;
  if (winnerShare !== undefined && !(typeof winnerShare === 'number' && winnerShare > 0)) return undefined;
  if (extent !== 'none' && extent !== 'some' && extent !== 'all') return undefined;
  if (typeof at !== 'number' || !Number.isFinite(at)) return undefined;
  if (typeof times !== 'object' || times === null || Array.isArray(times)) return undefined;
  if (Object.values(times).some((ms) => ms !== null && !(typeof ms === 'number' && ms >= 0 && ms < Infinity))) {
    return undefined;
  }
  return value as TuningRecord;
}

/** Of two records of one key, the one that went further; of equals, the newer. */
export function betterRecord(a: TuningRecord, b: TuningRecord): TuningRecord {
  const order: readonly TuningExtent[] = ['none', 'some', 'all'];
  const further = order.indexOf(a.extent) - order.indexOf(b.extent);
  return further > 0 || (further === 0 && a.at >= b.at) ? a : b;
}

/** Records by key. */
export type TuningRecords = ReadonlyMap<string, TuningRecord>;

/** A store keeps this many records an adapter; a model has some hundred. */
export const mostRecords = 4000;

/**
 * Both sets of records, the better one where they meet. Beyond {@link mostRecords} the oldest go: they are of kernels
 * that no longer exist, or of models long not used.
 */
export function mergeRecords(a: TuningRecords, b: TuningRecords): Map<string, TuningRecord> {
  const merged = new Map(a);
  for (const [key, record] of b) {
    const known = merged.get(key);
    merged.set(key, known ? betterRecord(record, known) : record);
  }
  if (merged.size <= mostRecords) return merged;
  return new Map([...merged].sort(([, x], [, y]) => y.at - x.at).slice(0, mostRecords));
}
