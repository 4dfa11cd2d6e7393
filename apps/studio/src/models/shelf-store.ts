import { createStore, type StoreApi } from 'zustand/vanilla';
import type { StorageReport } from '@pleinair/weights/browser';
import type { Failure } from '../engine/protocol.js';
import type { JobProgress, StoredDetails, StoredEntry } from './engine/protocol.js';

/** Something that is being done to a model. */
export interface ModelJob {
  readonly kind: 'download' | 'convert';
  readonly progress: JobProgress;
  /** Asked to stop, and about to. */
  readonly stopping: boolean;
}

/** The models in this browser's storage, and what is being done to them. */
export interface ShelfState {
  /** Nothing before they were read. */
  readonly entries: readonly StoredEntry[] | undefined;
  /** By name: what whole models are, or why that cannot be told. */
  readonly details: Readonly<Record<string, StoredDetails | Failure>>;
  /** By name. */
  readonly jobs: Readonly<Record<string, ModelJob>>;
  /** By name: why the last thing done to it failed. */
  readonly failures: Readonly<Record<string, Failure>>;
  readonly storage: StorageReport | undefined;
  /** Why the storage cannot be read. */
  readonly broken: Failure | undefined;
}

/** Makes the store, knowing nothing. */
export function createShelfStore(): StoreApi<ShelfState> {
  return createStore<ShelfState>(() => ({
    entries: undefined,
    details: {},
    jobs: {},
    failures: {},
    storage: undefined,
    broken: undefined,
  }));
}

/** A record with another value under a key, or without the key. */
export function having<T>(record: Readonly<Record<string, T>>, key: string, value: T | undefined): Record<string, T> {
  const rest = Object.fromEntries(Object.entries(record).filter(([each]) => each !== key));
  return value === undefined ? rest : { ...rest, [key]: value };
}
