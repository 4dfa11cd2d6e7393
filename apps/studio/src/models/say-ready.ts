import type { Studio } from '../studio.js';
import { chooseModel } from './choose-model.js';
import { shortName } from './stored-model.js';

/** Tells that a model is here, and offers to paint with it. */
export function sayReady(studio: Pick<Studio, 'models' | 'make' | 'toasts'>, name: string): void {
  studio.toasts.getState().say(`${shortName(name)} is here.`, {
    action: {
      label: 'Paint with it',
      run: () => {
        chooseModel(studio, name);
        location.hash = '#/make';
      },
    },
  });
}
