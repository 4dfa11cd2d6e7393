import { useId, useState, type FormEvent, type ReactElement } from 'react';
import type { ModelNeeds } from 'pleinair/models';
import { useStore } from 'zustand/react';
import type { Failure } from '../../engine/protocol.js';
import { useStudio } from '../../studio-context.js';
import { bytesInWords } from '../../words/figures.js';
import type { HubOffer } from '../engine/protocol.js';
import { FailureLine } from './failure-line.js';
import { HubSettingsForm } from './hub-settings-form.js';
import { NeedsDetails, Verdict } from './verdict.js';

type Look =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'looking'; readonly name: string }
  | { readonly kind: 'found'; readonly offer: HubOffer; readonly needs?: ModelNeeds | Failure }
  | { readonly kind: 'not-found'; readonly failure: Failure };

const known = [
  'stabilityai/stable-diffusion-xl-base-1.0',
  'stabilityai/sdxl-turbo',
  'stable-diffusion-v1-5/stable-diffusion-v1-5',
];

/** Adds a model by its name on the Hub: what it costs and needs is shown first. */
export function AddFromHub(): ReactElement {
  const { modelsClient, modelShelf } = useStudio();
  const [name, setName] = useState('');
  const [look, setLook] = useState<Look>({ kind: 'nothing' });
  const id = useId();

  const ask = async (asked: string): Promise<void> => {
    setLook({ kind: 'looking', name: asked });
    const offer = await modelsClient.ask((engine, access) => engine.offer(asked, access));
    if (offer.kind === 'failed') return setLook({ kind: 'not-found', failure: offer });
    setLook({ kind: 'found', offer });
    const needs = await modelsClient.ask((engine, access) =>
      engine.needs({ kind: 'hub', name: offer.name, access }, 16),
    );
    setLook((now) => (now.kind === 'found' && now.offer === offer ? { ...now, needs } : now));
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (name.trim()) void ask(name.trim());
  };
  const download = (offer: HubOffer): void => {
    setLook({ kind: 'nothing' });
    setName('');
    void modelShelf.download(offer.name);
  };

  return (
    <section className="panel" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>From the Hub</h2>
      <form onSubmit={submit} className="hub-form">
        <div className="field">
          <label htmlFor={id}>Name</label>
          <input
            id={id}
            type="text"
            value={name}
            placeholder="owner/name"
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            aria-describedby={`${id}-hint`}
            onChange={({ target }) => setName(target.value)}
          />
        </div>
        <button type="submit" className="button-plain" disabled={!name.trim() || look.kind === 'looking'}>
          {look.kind === 'looking' ? 'Asking…' : 'Look it up'}
        </button>
        <p className="hint" id={`${id}-hint`}>
          As at the top of its page: owner/name, with @revision or /file.safetensors behind it if you like.
        </p>
      </form>
      {look.kind === 'nothing' && (
        <ul className="chips" aria-label="Well-known models">
          {known.map((each) => (
            <li key={each}>
              <button
                type="button"
                className="chip"
                onClick={() => {
                  setName(each);
                  void ask(each);
                }}
              >
                {each}
              </button>
            </li>
          ))}
        </ul>
      )}
      <div aria-live="polite">
        {look.kind === 'not-found' && <FailureLine failure={look.failure} />}
        {look.kind === 'found' && <Offer look={look} onDownload={download} />}
      </div>
      <HubSettingsForm />
    </section>
  );
}

function Offer({
  look: { offer, needs },
  onDownload,
}: {
  readonly look: Extract<Look, { kind: 'found' }>;
  readonly onDownload: (offer: HubOffer) => void;
}): ReactElement {
  const { modelShelf } = useStudio();
  const storage = useStore(modelShelf.store, (state) => state.storage);
  const { name, totalBytes, missingBytes, fits } = offer;
  const failure = needs && 'kind' in needs ? needs : undefined;
  const told = needs && !('kind' in needs) ? needs : undefined;
  const here = missingBytes === 0;
  return (
    <div className="offer">
      <p className="offer-name">{name}</p>
      <p>
        {here ? 'All of it is here.' : `${bytesInWords(missingBytes)} to download`}
        {!here && missingBytes < totalBytes && ` of ${bytesInWords(totalBytes)}; the rest is here`}
        {!here && storage && `, ${bytesInWords(storage.freeBytes)} free.`}
      </p>
      {needs === undefined && <p className="hint">Working out whether this GPU can run it…</p>}
      {failure && <p className="hint">What it needs cannot be told: {failure.message}</p>}
      {told && (
        <>
          <p>
            <Verdict needs={told} />
          </p>
          <NeedsDetails needs={told} />
        </>
      )}
      {!fits && (
        <p className="notice-warning">
          The browser has no room for it: {bytesInWords(missingBytes)} are needed
          {storage && `, ${bytesInWords(storage.freeBytes)} are free`}. Delete a model or pictures first, or free room
          on the disk.
        </p>
      )}
      <button type="button" className="button-main" disabled={!fits} onClick={() => onDownload(offer)}>
        {here ? 'Add it' : `Download ${bytesInWords(missingBytes)}`}
      </button>
    </div>
  );
}
