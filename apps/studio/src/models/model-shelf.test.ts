import { createJSONStorage } from 'zustand/middleware';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Failure } from '../engine/protocol.js';
import { createMakeStore } from '../make/make-store.js';
import { createToastStore } from '../ui/toast-store.js';
import { chooseModel, dropModel, endSearch } from './choose-model.js';
import type { ModelsEngine, StoredEntry } from './engine/protocol.js';
import { ModelShelf } from './model-shelf.js';
import type { ModelsClient } from './models-client.js';
import { chosenModel, createModelsStore } from './models-store.js';
import { NeedsCache } from './needs-cache.js';
import type { StudioModel } from './studio-model.js';

const noStorage = { getItem: () => null, setItem: () => undefined, removeItem: () => undefined };
const name = 'someone/landscapes';
const model: StudioModel = {
  id: name,
  name,
  about: '',
  spot: { kind: 'stored', name },
  defaults: { steps: 30, guidance: 5 },
  sizes: [{ label: 'Square', width: 1024, height: 1024 }],
};
const entry: StoredEntry = { name, state: 'partial', loadedBytes: 5, totalBytes: 10 };

type Stores = Parameters<typeof endSearch>[0];
type ShelfMeans = ConstructorParameters<typeof ModelShelf>[0];

/** A shelf whose worker is `engine`; what it tells goes to `stores`. */
function shelfOn(
  engine: ModelsEngine,
  stores: Stores & Pick<ShelfMeans, 'models'>,
  more: Partial<Pick<ShelfMeans, 'onGone' | 'forget'>> = {},
): ModelShelf {
  return new ModelShelf({
    client: { ask: (question: (asked: ModelsEngine) => unknown) => question(engine) } as unknown as ModelsClient,
    models: stores.models,
    cache: new NeedsCache(noStorage),
    adapter: () => 'a GPU',
    onReady: () => undefined,
    onInterrupted: () => undefined,
    onRead: (broken) => endSearch(stores, broken),
    onGone: () => undefined,
    forget: () => Promise.resolve(),
    ...more,
  });
}

/** A shelf with one model, which is chosen, and the order of what it asks for. */
function shelfWith({ forget, remove }: { forget?: () => Promise<void>; remove?: number | Failure }) {
  const log: string[] = [];
  const stored = new Set([entry]);
  const engine = {
    list: () => Promise.resolve([...stored]),
    storage: () => Promise.resolve({ modelBytes: 0, usedBytes: 0, freeBytes: 1, persistent: false }),
    remove: (which: string) => {
      log.push(`remove ${which}`);
      if (typeof remove === 'number') stored.clear();
      return Promise.resolve(remove);
    },
  } as unknown as ModelsEngine;
  const models = createModelsStore(noStorage);
  const make = createMakeStore(createJSONStorage(() => noStorage));
  const toasts = createToastStore();
  models.getState().put(model);
  const shelf = shelfOn(
    engine,
    { models, make, toasts },
    {
      onGone: (gone) => dropModel({ models, make }, gone),
      forget: (which) => {
        log.push(`forget ${which}`);
        return forget?.() ?? Promise.resolve();
      },
    },
  );
  return { shelf, log, models, make };
}

describe('deleting a model', () => {
  it('takes it off the GPU first, chosen or not, and out of the list', async () => {
    const { shelf, log, models, make } = shelfWith({ remove: 10 });
    make.getState().change({ width: 512, height: 512 });
    await shelf.remove(name);
    expect(log).toEqual([`forget ${name}`, `remove ${name}`]);
    expect(models.getState().models.map(({ id }) => id)).toEqual(['demo']);
    expect(make.getState().form.width).toBe(512); // another model was in use
    expect(shelf.store.getState()).toMatchObject({ entries: [], failures: {} });
  });

  it('leaves the demo model in use, at a size that suits it', async () => {
    const { shelf, models, make } = shelfWith({ remove: 10 });
    chooseModel({ models, make }, name);
    expect(make.getState().form.width).toBe(1024);
    await shelf.remove(name);
    expect(models.getState().chosen).toBe('demo');
    expect(make.getState().form).toMatchObject({ width: 128, height: 128, steps: 20 });
  });

  it('says why it failed, and keeps what is there', async () => {
    const failure: Failure = { kind: 'failed', code: 'hub/in-use', message: 'another tab has it' };
    const refused = shelfWith({ remove: failure });
    await refused.shelf.remove(name);
    expect(refused.shelf.store.getState()).toMatchObject({ entries: [entry], failures: { [name]: failure } });
    expect(refused.models.getState().models.map(({ id }) => id)).toContain(name);

    const broken = shelfWith({ forget: () => Promise.reject(new Error('the worker is gone')) });
    await broken.shelf.remove(name);
    expect(broken.log).toEqual([`forget ${name}`]);
    expect(broken.shelf.store.getState().failures[name]).toMatchObject({ message: 'the worker is gone' });
  });
});

describe('the model that was chosen before a reload', () => {
  afterEach(() => vi.unstubAllGlobals());

  /** Studio as it opens, with the form as the model had it; `list` is what the storage answers when it is read. */
  function opened({ used = true, list = [] }: { used?: boolean; list?: StoredEntry[] | Failure }) {
    const getDirectoryHandle = () =>
      used ? Promise.resolve({}) : Promise.reject(new DOMException('', 'NotFoundError'));
    vi.stubGlobal('navigator', { storage: { getDirectory: () => Promise.resolve({ getDirectoryHandle }) } });
    let answer!: (entries: StoredEntry[] | Failure) => void;
    const answered = new Promise<StoredEntry[] | Failure>((resolve) => (answer = resolve));
    const engine = {
      list: () => answered,
      storage: () => Promise.resolve({ modelBytes: 0, usedBytes: 0, freeBytes: 1, persistent: false }),
      describe: () => Promise.resolve({ kind: 'failed', code: 'weights/x', message: 'it cannot be read' }),
    } as unknown as ModelsEngine;
    const models = createModelsStore({ ...noStorage, getItem: () => name });
    const make = createMakeStore(createJSONStorage(() => noStorage));
    make.getState().change({ width: 1024, height: 1024 });
    const toasts = createToastStore();
    const shelf = shelfOn(engine, { models, make, toasts });
    return { shelf, models, make, toasts, answer: () => answer(list) };
  }

  it('is not replaced by another while the storage is read, and says so', async () => {
    const { shelf, models, toasts, answer } = opened({ list: [{ ...entry, state: 'complete', loadedBytes: 10 }] });
    const reading = shelf.openIfUsed();
    expect(chosenModel(models.getState())).toMatchObject({
      id: name,
      unable: expect.stringMatching(/^Looking for/) as string,
    });
    answer();
    await reading;
    expect(chosenModel(models.getState())).toMatchObject({ id: name, unable: 'it cannot be read' });
    expect(models.getState().models).toHaveLength(2);
    expect(toasts.getState().toasts).toEqual([]);
  });

  it.each([{ used: true }, { used: false }])('is replaced by the demo model where it is gone: %o', async ({ used }) => {
    const { shelf, models, make, toasts, answer } = opened({ used });
    answer();
    await shelf.openIfUsed();
    expect(chosenModel(models.getState()).id).toBe('demo');
    expect(models.getState()).toMatchObject({ chosen: 'demo', models: [{ id: 'demo' }] });
    expect(make.getState().form).toMatchObject({ width: 128, height: 128 });
    expect(toasts.getState().toasts).toMatchObject([{ text: expect.stringContaining('no longer') as string }]);
  });

  it('stays chosen where the storage could not be read', async () => {
    const { shelf, models, make, answer } = opened({
      list: { kind: 'failed', code: 'engine/died', message: 'no worker' },
    });
    answer();
    await shelf.openIfUsed();
    expect(chosenModel(models.getState())).toMatchObject({
      id: name,
      unable: expect.stringContaining('no worker') as string,
    });
    expect(make.getState().form.width).toBe(1024);
  });
});
