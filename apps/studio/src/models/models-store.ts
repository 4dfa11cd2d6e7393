import { createStore, type StoreApi } from 'zustand/vanilla';
import { demoModel } from './demo-model.js';
import type { StudioModel } from './studio-model.js';

/** The models that Studio can paint with, and which one it does. */
export interface ModelsState {
  /** At least the demo model. */
  readonly models: readonly StudioModel[];
  /** Id of the model in use. */
  readonly chosen: string;
  readonly choose: (id: string) => void;
  /** Adds a model, or takes the place of the one with its id. */
  readonly put: (model: StudioModel) => void;
  /** Takes a model out of the list; the demo model stays. */
  readonly drop: (id: string) => void;
}

const chosenKey = 'pleinair-studio-model';

/** @param storage - Remembers the choice over reloads. */
export function createModelsStore(storage: Pick<Storage, 'getItem' | 'setItem'>): StoreApi<ModelsState> {
  return createStore<ModelsState>((set) => ({
    models: [demoModel],
    // May name one that is found only later; `chosenModel` takes the demo model until then.
    chosen: storage.getItem(chosenKey) ?? demoModel.id,
    choose: (chosen) => {
      storage.setItem(chosenKey, chosen);
      set({ chosen });
    },
    put: (model) =>
      set(({ models }) => ({
        models: models.some(({ id }) => id === model.id)
          ? models.map((each) => (each.id === model.id ? model : each))
          : [...models, model],
      })),
    drop: (id) => set(({ models }) => ({ models: models.filter((each) => each.id !== id || id === demoModel.id) })),
  }));
}

/** The model in use. */
export function chosenModel({ models, chosen }: Pick<ModelsState, 'models' | 'chosen'>): StudioModel {
  return models.find(({ id }) => id === chosen) ?? demoModel;
}
