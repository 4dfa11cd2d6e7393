import { createJSONStorage } from 'zustand/middleware';
import type { StoreApi } from 'zustand/vanilla';
import { createBonnetStore, type BonnetState } from './bonnet/bonnet-store.js';
import { EngineClient } from './client/engine-client.js';
import { startWorker } from './client/start-worker.js';
import { createGalleryStore, type GalleryState } from './gallery/gallery-store.js';
import { PictureShelf } from './gallery/picture-shelf.js';
import { createMakeStore, type MakeState } from './make/make-store.js';
import { createRunStore, type RunState } from './make/run-store.js';
import { createStartStore, type StartState } from './make/start-store.js';
import { createModelsStore, type ModelsState } from './models/models-store.js';
import { StudioDatabase } from './storage/database.js';
import { createAdapterStore, type AdapterState } from './client/adapter-store.js';
import { createToastStore, type ToastState } from './ui/toast-store.js';

/** All that pages share. One a page; they find it with `useStudio`. */
export interface Studio {
  readonly engine: EngineClient;
  readonly adapter: StoreApi<AdapterState>;
  readonly models: StoreApi<ModelsState>;
  readonly make: StoreApi<MakeState>;
  readonly start: StoreApi<StartState>;
  readonly run: StoreApi<RunState>;
  readonly shelf: PictureShelf;
  readonly gallery: StoreApi<GalleryState>;
  readonly bonnet: StoreApi<BonnetState>;
  readonly toasts: StoreApi<ToastState>;
}

/** Puts Studio together. The engine is not started by this. */
export function createStudio(): Studio {
  const engine = new EngineClient(startWorker);
  const shelf = new PictureShelf(new StudioDatabase());
  return {
    engine,
    adapter: createAdapterStore(),
    models: createModelsStore(localStorage),
    make: createMakeStore(createJSONStorage(() => localStorage)),
    start: createStartStore(),
    run: createRunStore(),
    shelf,
    gallery: createGalleryStore(shelf),
    bonnet: createBonnetStore(),
    toasts: createToastStore(),
  };
}
