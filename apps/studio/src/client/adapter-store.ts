import { createStore, type StoreApi } from 'zustand/vanilla';
import type { AdapterNews } from '../engine/protocol.js';
import type { EngineClient } from './engine-client.js';

/** The adapter this browser gives. */
export interface AdapterState {
  /** Nothing while it is being looked for. */
  readonly news: AdapterNews | undefined;
}

/** Makes the store, knowing nothing. */
export function createAdapterStore(): StoreApi<AdapterState> {
  return createStore<AdapterState>(() => ({ news: undefined }));
}

/** Looks for the adapter; again, too. */
export async function lookForAdapter(store: StoreApi<AdapterState>, engine: EngineClient): Promise<void> {
  store.setState({ news: await engine.findAdapter() });
}
