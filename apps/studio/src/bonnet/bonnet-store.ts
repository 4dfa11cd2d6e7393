import type { PaletteFile } from '@pleinair/palettize';
import type { KernelProfile, MemoryMap } from 'pleinair';
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { ComparedPicture, TunerSheet } from '../engine/bonnet-protocol.js';

/** What was found out under the bonnet: it stays while other pages are looked at. */
export interface BonnetState {
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
    memory: undefined,
    profile: undefined,
    tuner: undefined,
    files: [],
    comparison: undefined,
  }));
}
