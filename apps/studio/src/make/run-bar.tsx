import type { ReactElement } from 'react';
import { useStore } from 'zustand/react';
import { timeInWords } from '../words/figures.js';
import { useStudio } from '../studio-context.js';
import { cancelRun } from './run-control.js';
import type { RunPhase } from './run-store.js';
import { speedInWords } from './run-words.js';

/** The button that paints or cancels, and how far the run is. */
export function RunBar({
  onPaint,
  disabled,
}: {
  readonly onPaint: () => void;
  readonly disabled: boolean;
}): ReactElement {
  const studio = useStudio();
  const { phase, cancelling } = useStore(studio.run);
  const busy = phase.kind !== 'idle';
  return (
    <div className="run-bar">
      {busy ? (
        <button
          type="button"
          className="button-main button-cancel"
          disabled={cancelling}
          onClick={() => void cancelRun(studio)}
        >
          {cancelling ? 'Cancelling…' : 'Cancel'}
        </button>
      ) : (
        <button type="button" className="button-main" disabled={disabled} onClick={onPaint}>
          Generate
        </button>
      )}
      {busy && <Progress phase={phase} />}
    </div>
  );
}

function Progress({ phase }: { readonly phase: RunPhase }): ReactElement | null {
  const { words, figures, share } = inWords(phase);
  return (
    <div className="progress">
      <progress aria-label="Progress" max={1} {...(share !== undefined && { value: share })} />
      <p>
        <span>{words}</span>
        <span className="progress-figures">{figures}</span>
      </p>
    </div>
  );
}

function inWords(phase: RunPhase): { readonly words: string; readonly figures: string; readonly share?: number } {
  switch (phase.kind) {
    case 'idle':
      return { words: '', figures: '' };
    case 'loading':
      return {
        words: phase.words,
        figures: phase.share === undefined ? '' : `${Math.round(phase.share * 100)} %`,
        share: phase.share,
      };
    case 'painting': {
      const { picture, count, step, steps, stepsPerSecond, secondsLeft } = phase;
      const which = count > 1 ? `Picture ${picture + 1} of ${count}, step` : 'Step';
      return {
        words: `${which} ${step} of ${steps}`,
        figures: `${speedInWords(stepsPerSecond)} · ${timeInWords(secondsLeft)} left`,
        share: (picture * steps + step) / (count * steps),
      };
    }
  }
}
