import { PleinairError } from '@pleinair/tensor';
import type { TuningAdapter } from './adapter-key.js';
import { mergeRecords, type TuningRecords } from './record.js';

/** Tuning results could not be read or kept. Code `tuning/…`. A run goes on without them. */
export class TuningStoreError extends PleinairError {}

/** Where tuning results outlive a run. */
export interface TuningStore {
  /** Where that is, in words for a person. */
  readonly place: string;
  /**
   * What is known of an adapter; nothing where there is nothing. Damaged results are set aside, not reported.
   *
   * @throws {@link TuningStoreError} `tuning/unreadable`
   */
  load(adapter: TuningAdapter): Promise<TuningRecords>;
  /**
   * Adds records to what is known of an adapter, also to what others have added meanwhile. Whole or not at all.
   *
   * @throws {@link TuningStoreError} `tuning/unwritable`
   */
  save(adapter: TuningAdapter, records: TuningRecords): Promise<void>;
  /**
   * Forgets everything of all adapters and says how many records that was.
   *
   * @throws {@link TuningStoreError} `tuning/unwritable`
   */
  clear(): Promise<number>;
}

/** Keeps results as long as the object lives. */
export class MemoryTuningStore implements TuningStore {
  readonly place = 'memory';
  private readonly adapters = new Map<string, TuningRecords>();

  load({ key }: TuningAdapter): Promise<TuningRecords> {
    return Promise.resolve(this.adapters.get(key) ?? new Map());
  }

  save({ key }: TuningAdapter, records: TuningRecords): Promise<void> {
    this.adapters.set(key, mergeRecords(this.adapters.get(key) ?? new Map(), records));
    return Promise.resolve();
  }

  clear(): Promise<number> {
    let count = 0;
    for (const records of this.adapters.values()) count += records.size;
    this.adapters.clear();
    return Promise.resolve(count);
  }
}
