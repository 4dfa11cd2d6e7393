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
import { dropModel, endSearch } from './models/choose-model.js';
import { accessOf, createHubSettings, type HubSettings } from './models/hub-settings.js';
import { ModelShelf } from './models/model-shelf.js';
import { ModelsClient, startModelsWorker } from './models/models-client.js';
import { createModelsStore, type ModelsState } from './models/models-store.js';
import { NeedsCache } from './models/needs-cache.js';
import { createPickStore, type PickState } from './models/pick-store.js';
import { sayInterrupted, sayReady } from './models/say-ready.js';
import { rememberHubEndpoint } from './offline/hub-endpoint.js';
import { StudioDatabase } from './storage/database.js';
import { createAdapterStore, type AdapterState } from './client/adapter-store.js';
import { createToastStore, type ToastState } from './ui/toast-store.js';

/** All that pages share. One a page; they find it with `useStudio`. */
export interface Studio {
  readonly engine: EngineClient;
  readonly adapter: StoreApi<AdapterState>;
  readonly models: StoreApi<ModelsState>;
  readonly modelsClient: ModelsClient;
  readonly modelShelf: ModelShelf;
  readonly pick: StoreApi<PickState>;
  readonly hub: StoreApi<HubSettings>;
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
  const adapter = createAdapterStore();
  const models = createModelsStore(localStorage);
  const make = createMakeStore(createJSONStorage(() => localStorage));
  const toasts = createToastStore();
  const hub = createHubSettings(localStorage);
  const modelsClient = new ModelsClient({
    start: startModelsWorker,
    access: () => accessOf(hub.getState()),
    admit: rememberHubEndpoint,
  });
  const modelShelf: ModelShelf = new ModelShelf({
    client: modelsClient,
    models,
    cache: new NeedsCache(localStorage),
    adapter: () => {
      const { news } = adapter.getState();
      return news?.kind === 'adapter' ? news.name : undefined;
    },
    onReady: (name) => sayReady({ models, make, toasts }, name),
    onInterrupted: (name) => sayInterrupted({ toasts }, name, () => void modelShelf.download(name)),
    onRead: (broken) => endSearch({ models, make, toasts }, broken),
    onGone: (name) => dropModel({ models, make }, name),
    forget: (name) => engine.forget({ kind: 'stored', name }),
  });
  return {
    engine,
    adapter,
    models,
    modelsClient,
    modelShelf,
    pick: createPickStore(),
    hub,
    make,
    start: createStartStore(),
    run: createRunStore(),
    shelf,
    gallery: createGalleryStore(shelf),
    bonnet: createBonnetStore(),
    toasts,
  };
}
