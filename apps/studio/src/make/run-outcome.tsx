import type { ReactElement } from 'react';
import { useStore } from 'zustand/react';
import { timeInWords } from '../words/figures.js';
import { useStudio } from '../studio-context.js';
import { FailureCard } from './failure-card.js';
import { speedInWords } from './run-words.js';

/** How the last run ended; a screen reader is told. */
export function RunOutcome(): ReactElement {
  const { run } = useStudio();
  const { end, failure, notice } = useStore(run);
  return (
    <>
      <div className="outcome" role="status" aria-live="polite">
        {end?.kind === 'done' && (
          <p>
            Painted in {timeInWords(end.seconds)}
            {end.stepsPerSecond > 0 && `, ${speedInWords(end.stepsPerSecond)}`}
            {end.recovered > 0 && ', over a lost GPU'}.
          </p>
        )}
        {notice && <p>{notice}</p>}
      </div>
      {failure && <FailureCard failure={failure} />}
    </>
  );
}
