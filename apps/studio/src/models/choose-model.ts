import type { Studio } from '../studio.js';
import { chosenModel } from './models-store.js';

/** Takes a model for the next pictures; the form takes its size, steps and guidance. */
export function chooseModel({ models, make }: Pick<Studio, 'models' | 'make'>, id: string): void {
  models.getState().choose(id);
  const { defaults, sizes } = chosenModel(models.getState());
  const [{ width, height }] = sizes;
  make.getState().change({ ...defaults, width, height, scheduler: '' });
}
