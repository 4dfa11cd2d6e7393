import type { ReactElement } from 'react';
import { useStore } from 'zustand/react';
import { chosenModel } from '../models/models-store.js';
import { useStudio } from '../studio-context.js';
import { startRun } from './run-control.js';

const most = 4;

/** On the easel of somebody who has no picture yet: what Studio is, and one click to the first. */
export function Welcome(): ReactElement {
  const studio = useStudio();
  const { examples = [], unable } = useStore(studio.models, chosenModel);
  return (
    <div className="welcome">
      <p className="welcome-title">
        {examples.length > 0 ? 'Paint one of these, or write what you like' : 'Your picture will stand here.'}
      </p>
      {examples.length > 0 && (
        <ul>
          {examples.slice(0, most).map((prompt) => (
            <li key={prompt}>
              <button
                type="button"
                className="chip"
                disabled={unable !== undefined}
                onClick={() => void startRun(studio, { prompt })}
              >
                {prompt}
              </button>
            </li>
          ))}
        </ul>
      )}
      <p className="hint">
        Pictures are computed on this machine; nothing is uploaded.
        {examples.length > 0 && (
          <>
            {' '}
            This small model knows landscapes only; <a href="#/models">other models</a> know more.
          </>
        )}
      </p>
    </div>
  );
}
