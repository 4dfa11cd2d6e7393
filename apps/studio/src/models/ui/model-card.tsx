import { useMemo, useState, type ReactElement, type ReactNode } from 'react';
import type { ModelNeeds } from 'pleinair/models';
import { useStore } from 'zustand/react';
import { goTo } from '../../routes.js';
import { useStudio } from '../../studio-context.js';
import { Icon } from '../../ui/icon.js';
import { bytesInWords } from '../../words/figures.js';
import { chooseModel } from '../choose-model.js';
import { demoModel } from '../demo-model.js';
import type { StoredEntry } from '../engine/protocol.js';
import { chosenModel } from '../models-store.js';
import { aboutNeeds, shortName } from '../stored-model.js';
import type { ModelSpot } from '../studio-model.js';
import { ConvertForm, type ConvertFormProps } from './convert-form.js';
import { FailureLine } from './failure-line.js';
import { JobProgress } from './job-progress.js';
import { NeedsDetails, Verdict } from './verdict.js';

/** The model that comes with Studio. */
export function DemoCard(): ReactElement {
  return (
    <Card title={demoModel.name} verdict={<span className="verdict verdict-runs">Comes with Studio</span>}>
      <p className="hint">{demoModel.about}</p>
      <div className="model-actions">
        <UseButton id={demoModel.id} title={demoModel.name} />
      </div>
    </Card>
  );
}

/** A model in this browser's storage, or on its way there. */
export function ModelCard({ name, entry }: { readonly name: string; readonly entry?: StoredEntry }): ReactElement {
  const { modelShelf } = useStudio();
  const { details, jobs, failures } = useStore(modelShelf.store);
  const job = jobs[name];
  const failure = failures[name];
  const known = details[name];
  const title = shortName(name);
  const whole = entry?.state === 'complete';
  const [copying, setCopying] = useState(false);
  return (
    <Card title={title} verdict={whole && known?.kind === 'details' && <Verdict needs={known.needs} />}>
      {whole && !job && (
        <>
          <p className="hint">
            {known === undefined
              ? `${bytesInWords(entry.totalBytes)}. Looking at what it needs…`
              : known.kind === 'details'
                ? aboutNeeds(known)
                : `It cannot be read: ${known.message}`}
          </p>
          {known?.kind === 'details' && <NeedsDetails needs={known.needs} />}
        </>
      )}
      {job && <JobProgress name={title} job={job} />}
      {failure && !job && <FailureLine failure={failure} />}
      {entry?.state === 'partial' && !job && <Interrupted entry={entry} />}
      {copying && whole && (
        <CopyForm
          name={name}
          onConvert={(order) => {
            setCopying(false);
            void modelShelf.convert(order);
          }}
          onLeave={() => setCopying(false)}
        />
      )}
      <div className="model-actions">
        {job && (
          <button
            type="button"
            className="button-plain"
            disabled={job.stopping}
            onClick={() => void modelShelf.stop(name)}
          >
            {job.kind === 'download' ? 'Pause' : 'Cancel'} <span className="visually-hidden">{title}</span>
          </button>
        )}
        {!job && entry?.state === 'partial' && (
          <button type="button" className="button-main" onClick={() => void modelShelf.download(name)}>
            Go on <span className="visually-hidden">with {title}</span>
          </button>
        )}
        {whole && !job && <UseButton id={name} title={title} />}
        {whole && !job && !copying && known?.kind === 'details' && isPlain(known.needs) && (
          <button type="button" className="button-quiet" onClick={() => setCopying(true)}>
            <Icon name="copy" /> Smaller copy <span className="visually-hidden">of {title}</span>
          </button>
        )}
        {!job && entry && <DeleteButton name={name} bytes={entry.loadedBytes} />}
        {!job && !entry && (
          <button type="button" className="button-quiet" onClick={() => modelShelf.forget(name)}>
            Dismiss <span className="visually-hidden">{title}</span>
          </button>
        )}
      </div>
    </Card>
  );
}

/** A palettized copy of a model that is here. */
function CopyForm({
  name,
  ...rest
}: Pick<ConvertFormProps, 'onConvert' | 'onLeave'> & { readonly name: string }): ReactElement {
  const spot = useMemo((): ModelSpot => ({ kind: 'stored', name }), [name]);
  const title = `${shortName(name)
    .split('/')
    .at(-1)!
    .replace(/\.safetensors.*$/, '')} smaller`;
  return <ConvertForm title={title} spot={spot} bits={8} {...rest} />;
}

/** Its weights are as they were trained: they can be palettized. */
function isPlain({ averageBits, modes }: ModelNeeds): boolean {
  return modes !== undefined && Object.keys(averageBits ?? {}).length === 0;
}

function Card({
  title,
  verdict,
  children,
}: {
  readonly title: string;
  readonly verdict: ReactNode;
  readonly children: ReactNode;
}): ReactElement {
  return (
    <li className="model-card">
      <header>
        <h3>{title}</h3>
        {verdict}
      </header>
      {children}
    </li>
  );
}

function Interrupted({ entry }: { readonly entry: StoredEntry }): ReactElement {
  const { loadedBytes, totalBytes } = entry;
  return (
    <div className="progress">
      <progress aria-label="What came so far" max={1} value={totalBytes > 0 ? loadedBytes / totalBytes : 0} />
      <p>
        <span>Not finished: what came is kept</span>
        <span>
          {bytesInWords(loadedBytes)} of {bytesInWords(totalBytes)}
        </span>
      </p>
    </div>
  );
}

function UseButton({ id, title }: { readonly id: string; readonly title: string }): ReactElement {
  const studio = useStudio();
  const state = useStore(studio.models);
  const inUse = chosenModel(state).id === id;
  const model = state.models.find((each) => each.id === id);
  if (inUse) {
    return (
      <a className="button-plain in-use" href="#/make">
        <Icon name="check" /> In use <span className="visually-hidden">: {title}. To the easel</span>
      </a>
    );
  }
  return (
    <button
      type="button"
      className="button-plain"
      disabled={!model || model.unable !== undefined}
      onClick={() => {
        chooseModel(studio, id);
        goTo('make');
      }}
    >
      <Icon name="brush" /> Paint with it <span className="visually-hidden">: {title}</span>
    </button>
  );
}

/** Gigabytes are not brought back by an undo, so it is asked first. */
function DeleteButton({ name, bytes }: { readonly name: string; readonly bytes: number }): ReactElement {
  const { modelShelf } = useStudio();
  const [asked, setAsked] = useState(false);
  const title = shortName(name);
  if (!asked) {
    return (
      <button type="button" className="button-quiet" onClick={() => setAsked(true)}>
        <Icon name="trash" /> Delete <span className="visually-hidden">{title}</span>
      </button>
    );
  }
  return (
    <>
      <button
        type="button"
        className="button-plain button-cancel"
        // oxlint-disable-next-line jsx-a11y/no-autofocus -- it takes the place of the button that had the focus
        autoFocus
        onClick={() => void modelShelf.remove(name)}
      >
        Delete {bytesInWords(bytes)} <span className="visually-hidden">of {title}</span>
      </button>
      <button type="button" className="button-quiet" onClick={() => setAsked(false)}>
        Keep <span className="visually-hidden">{title}</span>
      </button>
    </>
  );
}
