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

/** Takes a model that is gone out of the list. Where it was in use the demo model is, and the form suits that. */
export function dropModel(studio: Pick<Studio, 'models' | 'make'>, id: string): void {
  const { chosen, drop } = studio.models.getState();
  drop(id);
  if (chosen === id) chooseModel(studio, demoModel.id);
}
