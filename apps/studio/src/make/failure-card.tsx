import type { ReactElement } from 'react';
import type { Failure, MemoryChoice } from '../engine/protocol.js';
import { useStudio } from '../studio-context.js';
import { useStore } from 'zustand/react';
import { tryAgain } from './run-control.js';

/** What went wrong, and one click to go on. */
export function FailureCard({ failure }: { readonly failure: Failure }): ReactElement {
  const studio = useStudio();
  const { form } = useStore(studio.make);
  const { title, why, again, memory } = remedy(failure, form.memory);
  return (
    <div className="failure" role="alert">
      <h2>{title}</h2>
      <p>{why}</p>
      <details>
        <summary>What was said</summary>
        <p>
          <code>{failure.code}</code> {failure.message}
        </p>
      </details>
      <button type="button" className="button-plain" onClick={() => void tryAgain(studio, memory && { memory })}>
        {again}
      </button>
    </div>
  );
}

interface Remedy {
  readonly title: string;
  readonly why: string;
  readonly again: string;
  readonly memory?: MemoryChoice;
}

function remedy({ code, message }: Failure, memory: MemoryChoice): Remedy {
  switch (code) {
    case 'device/out-of-memory':
    case 'engine/died':
      return memory === 'low'
        ? {
            title: 'The GPU has no room for this',
            why: 'Even keeping as little as possible was too much. A smaller size or a palettized model needs less. Your settings and pictures are all there.',
            again: 'Try again',
          }
        : {
            title: code === 'engine/died' ? 'The engine stopped' : 'The GPU ran out of memory',
            why: 'Loading the parts of the model in turn takes less room, and a little longer. Your settings and pictures are all there.',
            again: 'Try again with less memory',
            memory: 'low',
          };
    case 'device/lost':
      return {
        title: 'The GPU was lost again and again',
        why: 'Its driver was reset, or the machine slept. Your settings and pictures are all there.',
        again: 'Try again',
      };
    case 'device/limit':
      return { title: 'This size is beyond what the GPU takes', why: message, again: 'Try again' };
    case 'storage/quota':
      return {
        title: 'The browser has no room left',
        why: 'Delete pictures or models that are no longer needed, then try again. Nothing that was finished is lost.',
        again: 'Try again',
      };
    default:
      return { title: 'That did not work', why: message, again: 'Try again' };
  }
}
