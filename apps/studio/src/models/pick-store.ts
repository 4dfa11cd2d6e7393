import { createStore, type StoreApi } from 'zustand/vanilla';
import type { PickedModel } from './picked-model.js';

/** What was picked from this computer to be added as a model, on whichever page it was dropped. */
export interface PickState {
  readonly picked: PickedModel | undefined;
}

/** Makes the store, with nothing picked. */
export function createPickStore(): StoreApi<PickState> {
  return createStore<PickState>(() => ({ picked: undefined }));
}
