import { createStore, type StoreApi } from 'zustand/vanilla';
import { demoModel } from './demo-model.js';
import { soughtModel } from './stored-model.js';
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
  const before = storage.getItem(chosenKey) ?? demoModel.id;
  return createStore<ModelsState>((set) => ({
    // The form holds the chosen one's settings: until it is found, no other must take its place.
    models: before === demoModel.id ? [demoModel] : [demoModel, soughtModel(before)],
    chosen: before,
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
