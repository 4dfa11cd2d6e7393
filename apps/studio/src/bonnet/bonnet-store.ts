import type { PaletteFile } from '@pleinair/palettize';
import type { KernelProfile, MemoryMap } from 'pleinair';
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { ComparedPicture, TunerSheet } from '../engine/bonnet-protocol.js';
import type { Failure } from '../engine/protocol.js';

/** Questions to the engine that take a while. */
export type TaskName = 'memory' | 'kernels' | 'tuner' | 'clear' | 'compare';

/** How far a question is. */
export interface TaskProgress {
  readonly words: string;
  /** 0 to 1; absent where that cannot be told. */
  readonly share?: number;
}

/** Where a question stands. */
export interface TaskState {
  readonly running: boolean;
  readonly progress: TaskProgress | undefined;
  readonly failure: Failure | undefined;
}

/** A question that is not under way. */
export const restingTask: TaskState = { running: false, progress: undefined, failure: undefined };

/** What was found out under the bonnet: it stays while other pages are looked at. */
export interface BonnetState {
  readonly tasks: Readonly<Partial<Record<TaskName, TaskState>>>;
  readonly memory: { readonly key: string; readonly map: MemoryMap } | undefined;
  readonly profile: KernelProfile | undefined;
  readonly tuner: TunerSheet | undefined;
  /** Files that were opened in the palette lab; the demo model's own where there are none. */
  readonly files: readonly PaletteFile[];
  readonly comparison:
    { readonly prompt: string; readonly seed: number; readonly pictures: readonly ComparedPicture[] } | undefined;
}

/** Makes the store, knowing nothing. */
export function createBonnetStore(): StoreApi<BonnetState> {
  return createStore<BonnetState>(() => ({
    tasks: {},
    memory: undefined,
    profile: undefined,
    tuner: undefined,
    files: [],
    comparison: undefined,
  }));
}
