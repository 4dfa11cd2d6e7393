import { useEffect, useId, useState, type FormEvent, type ReactElement } from 'react';
import { localModelName } from '@pleinair/weights/browser';
import type { ModelNeeds } from 'pleinair/models';
import type { Failure } from '../../engine/protocol.js';
import { useStudio } from '../../studio-context.js';
import { bytesInWords } from '../../words/figures.js';
import type { ConvertOrder, WeightBits } from '../engine/protocol.js';
import type { ModelSpot } from '../studio-model.js';
import { FailureLine } from './failure-line.js';
import { NeedsDetails, Verdict } from './verdict.js';

type Looked = ModelNeeds | Failure;

const widths: readonly { readonly bits: WeightBits; readonly label: string; readonly about: string }[] = [
  { bits: 16, label: '16 bits', about: 'half floats, as it is' },
  { bits: 8, label: '8 bits', about: 'practically the same pictures' },
  { bits: 6, label: '6 bits', about: 'close to the same' },
  { bits: 4, label: '4 bits', about: 'smallest: pictures change' },
];

/** What is to become of a model that was picked: its name here, and how small it is made. */
export function ConvertForm({ title, spot, bits: first = 16, onConvert, onLeave }: ConvertFormProps): ReactElement {
  const { modelShelf } = useStudio();
  const [name, setName] = useState(title);
  const [bits, setBits] = useState<WeightBits>(first);
  const needs = useNeeds(spot);
  const id = useId();
  const plain = needs.get(16);
  const failure = plain && isFailure(plain) ? plain : undefined;
  const found = plain && !isFailure(plain) ? plain : undefined;
  // What is palettized already is not palettized again.
  const packed = Object.keys(found?.averageBits ?? {}).length > 0;
  const offered = packed || !found?.modes ? widths.slice(0, 1) : widths;
  const chosen = needs.get(bits);
  const shown = chosen && !isFailure(chosen) ? chosen : found;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const taken = modelShelf.store.getState().entries?.map((entry) => entry.name) ?? [];
    onConvert({ spot, name: localModelName(name, taken), bits });
  };
  return (
    <form className="offer" onSubmit={submit} aria-label={`Add ${title}`}>
      {!plain && <p className="hint">Looking at {title}…</p>}
      {failure && <FailureLine failure={failure} />}
      {found && (
        <>
          <p>
            {found.family ?? 'A model'}
            {found.name && `: ${found.name}`} <Verdict needs={shown ?? found} />
          </p>
          <NeedsDetails needs={shown ?? found} />
        </>
      )}
      {found?.modes && (
        <>
          <div className="field">
            <label htmlFor={id}>Name it</label>
            <input id={id} type="text" value={name} required onChange={({ target }) => setName(target.value)} />
          </div>
          <fieldset className="widths">
            <legend>Bits of a weight</legend>
            {offered.map(({ bits: each, label, about }) => (
              <WidthOption
                key={each}
                name={`${id}-bits`}
                label={packed ? 'As it is: palettized already' : label}
                about={packed ? '' : about}
                needs={needs.get(each)}
                checked={bits === each}
                onChoose={() => setBits(each)}
              />
            ))}
          </fieldset>
          {bits !== 16 && (
            <p className="hint">
              Finding the best palettes of a large model takes some minutes. You can paint meanwhile.
            </p>
          )}
        </>
      )}
      <div className="model-actions">
        {found?.modes && (
          <button type="submit" className="button-main">
            Add it
          </button>
        )}
        <button type="button" className="button-quiet" onClick={onLeave}>
          Leave it
        </button>
      </div>
    </form>
  );
}

/** What a {@link ConvertForm} is about. */
export interface ConvertFormProps {
  readonly title: string;
  /** The same object from render to render: each one is looked at anew. */
  readonly spot: ModelSpot;
  /** The width that is proposed. @defaultValue 16 */
  readonly bits?: WeightBits;
  readonly onConvert: (order: ConvertOrder) => void;
  readonly onLeave: () => void;
}

function WidthOption({ name, label, about, needs, checked, onChoose }: WidthOptionProps): ReactElement {
  const told = needs && !isFailure(needs) ? needs : undefined;
  return (
    <label className="width-option">
      <input type="radio" name={name} checked={checked} onChange={onChoose} />
      <span>
        <strong>{label}</strong>
        {about && <span className="hint">{about}</span>}
      </span>
      <span className="width-figures">
        <span>{told?.storedBytes === undefined ? '…' : bytesInWords(told.storedBytes)}</span>
        {told?.modes && <span className="hint">from {bytesInWords(told.modes.low.peakBytes)} on the GPU</span>}
      </span>
    </label>
  );
}

interface WidthOptionProps {
  readonly name: string;
  readonly label: string;
  readonly about: string;
  readonly needs: Looked | undefined;
  readonly checked: boolean;
  readonly onChoose: () => void;
}

/** What a model needs at each width; they come one after the other. */
function useNeeds(spot: ModelSpot): ReadonlyMap<WeightBits, Looked> {
  const { modelsClient } = useStudio();
  const [needs, setNeeds] = useState<ReadonlyMap<WeightBits, Looked>>(new Map());
  useEffect(() => {
    let left = false;
    const look = async (): Promise<void> => {
      for (const { bits } of widths) {
        const found = await modelsClient.ask((engine) => engine.needs(spot, bits));
        if (left) return;
        setNeeds((before) => new Map([...before, [bits, found]]));
        if (isFailure(found) || !found.modes || (Object.keys(found.averageBits ?? {}).length > 0 && bits === 16))
          return;
      }
    };
    void look();
    return () => void (left = true);
  }, [modelsClient, spot]);
  return needs;
}

function isFailure(looked: Looked): looked is Failure {
  return 'kind' in looked;
}
