import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Pixels } from '../engine/protocol.js';

/** The picture that a run begins with. Kept apart from the form: it is too large to be remembered there. */
export interface StartState {
  /** Nothing: from noise alone. */
  readonly image: StartImage | undefined;
  /** White where it is made anew; nothing: all of it. */
  readonly mask: Pixels | undefined;
  readonly begin: (image: StartImage) => void;
  readonly setMask: (mask: Pixels | undefined) => void;
  readonly clear: () => void;
}

/** A picture to begin with. */
export interface StartImage {
  readonly blob: Blob;
  readonly name: string;
  readonly width: number;
  readonly height: number;
}

/** Makes the store, empty. */
export function createStartStore(): StoreApi<StartState> {
  return createStore<StartState>((set) => ({
    image: undefined,
    mask: undefined,
    begin: (image) => set({ image, mask: undefined }),
    setMask: (mask) => set({ mask }),
    clear: () => set({ image: undefined, mask: undefined }),
  }));
}
