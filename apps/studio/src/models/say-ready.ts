import { goTo } from '../routes.js';
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
        goTo('make');
      },
    },
  });
}

/** Tells that a download was broken off, and goes on with it if asked to. */
export function sayInterrupted({ toasts }: Pick<Studio, 'toasts'>, name: string, goOn: () => void): void {
  toasts.getState().say(`The download of ${shortName(name)} is not finished. What came is kept.`, {
    action: { label: 'Go on with it', run: goOn },
  });
}
