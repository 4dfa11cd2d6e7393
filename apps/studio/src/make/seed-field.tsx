import { useId, type ReactElement } from 'react';
import { Icon } from '../ui/icon.js';
import { NumberInput } from '../ui/slider-field.js';
import type { MakeForm } from './make-store.js';

/** Largest seed that every generator takes. */
export const largestSeed = 2 ** 32 - 1;

/** The seed: a new one for each run, or one that is kept. */
export function SeedField({ seed, seedMode, onChange }: SeedProps): ReactElement {
  const id = useId();
  const kept = seedMode === 'keep';
  return (
    <div className="field seed-field">
      <label htmlFor={id}>Seed</label>
      <div className="seed-row">
        <NumberInput
          id={id}
          value={seed}
          min={0}
          max={largestSeed}
          step={1}
          describedBy={`${id}-hint`}
          onChange={(value) => onChange({ seed: Math.floor(value), seedMode: 'keep' })}
        />
        <button
          type="button"
          className="toggle-button"
          aria-pressed={!kept}
          title="A new seed for each run"
          onClick={() => onChange({ seedMode: 'random' })}
        >
          <Icon name="dice" /> Random
        </button>
        <button
          type="button"
          className="toggle-button"
          aria-pressed={kept}
          title="The same seed for each run"
          onClick={() => onChange({ seedMode: 'keep' })}
        >
          <Icon name="lock" /> Keep
        </button>
      </div>
      <p className="hint" id={`${id}-hint`}>
        {kept ? 'The same seed and settings give the same picture.' : 'Each run draws a new one; this was the last.'}
      </p>
    </div>
  );
}

interface SeedProps extends Pick<MakeForm, 'seed' | 'seedMode'> {
  readonly onChange: (changes: Partial<MakeForm>) => void;
}
