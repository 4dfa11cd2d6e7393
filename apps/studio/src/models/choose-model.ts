import type { Failure } from '../engine/protocol.js';
import type { Studio } from '../studio.js';
import { demoModel } from './demo-model.js';
import { chosenModel } from './models-store.js';

/** Takes a model for the next pictures; the form takes its size, steps and guidance. */
export function chooseModel({ models, make }: Pick<Studio, 'models' | 'make'>, id: string): void {
  models.getState().choose(id);
  const { defaults, sizes } = chosenModel(models.getState());
  const [{ width, height }] = sizes;
  make.getState().change({ ...defaults, width, height, scheduler: '' });
}

/**
 * Ends the search for the model that was chosen before a reload, where it was not found: it is gone, and the demo model takes its
 * place. Where the storage could not be read it stays chosen, and says why it cannot paint.
 *
 * @param broken - Why the storage could not be read.
 */
export function endSearch(studio: Pick<Studio, 'models' | 'make' | 'toasts'>, broken: Failure | undefined): void {
  const { models, put } = studio.models.getState();
  for (const { sought, ...model } of models) {
    if (!sought) continue;
    if (broken) {
      put({ ...model, unable: `This browser’s storage could not be read: ${broken.message}` });
      continue;
    }
    const inUse = studio.models.getState().chosen === model.id;
    dropModel(studio, model.id);
    if (inUse) {
      studio.toasts
        .getState()
        .say(`${model.name} is no longer in this browser’s storage. The demo model takes its place.`, {
          tone: 'warning',
        });
    }
  }
}

/** Takes a model that is gone out of the list. Where it was in use the demo model is, and the form suits that. */
export function dropModel(studio: Pick<Studio, 'models' | 'make'>, id: string): void {
  const { chosen, drop } = studio.models.getState();
  drop(id);
  if (chosen === id) chooseModel(studio, demoModel.id);
}
