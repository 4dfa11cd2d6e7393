import type { TuningResult } from 'pleinair';
import type { ReactElement } from 'react';
import { useStore } from 'zustand/react';
import type { PictureShape, TunerSheet } from '../engine/bonnet-protocol.js';
import { useStudio } from '../studio-context.js';
import { msText } from './format.js';
import { Section } from './section.js';
import { TaskBar } from './task-bar.js';
import { useTask } from './use-task.js';

/** What the tuner has found on this adapter, and ways to have it find more or forget. */
export function TunerSection({
  shape,
  isDemo,
}: {
  readonly shape: PictureShape;
  readonly isDemo: boolean;
}): ReactElement {
  const { bonnet, toasts } = useStudio();
  const sheet = useStore(bonnet, ({ tuner }) => tuner);
  const task = useTask<TunerSheet>('tuner');
  const clearing = useTask<number>('clear');
  const show = (tuner: TunerSheet): void => bonnet.setState({ tuner });
  const look = (): void => void task.ask((engine) => engine.tunerSheet(shape), show);
  const clear = (): void =>
    void clearing.ask(
      (engine) => engine.clearTuning(),
      (count) => {
        bonnet.setState({ tuner: sheet && { ...sheet, results: [] } });
        toasts.getState().say(`${count} results of the tuner are forgotten.`);
      },
    );
  // What a cancelled tuning found until then is kept, and shown.
  const tune = (): void => void task.ask((engine, tell) => engine.tune(shape, tell), show, look);
  return (
    <Section
      id="tuner"
      title="Tuner"
      about={
        'Most kernels can be computed in several ways. The tuner times them on this adapter and remembers the fastest. ' +
        (isDemo
          ? 'The demo model paints by rules of thumb, unless it was tuned since Studio was opened.'
          : 'A few seconds of that come before the first picture of a size; here it can be done to the end.')
      }
    >
      {!task.running && (
        <div className="actions">
          <button type="button" className="button-main" onClick={tune}>
            Tune fully now
          </button>
          <button type="button" className="button-plain" onClick={look}>
            Show what is known
          </button>
          {sheet && sheet.results.length > 0 && (
            <button type="button" className="button-plain button-cancel" disabled={clearing.running} onClick={clear}>
              Forget it all
            </button>
          )}
        </div>
      )}
      <TaskBar task={task} />
      <TaskBar task={clearing} />
      {sheet && <Results sheet={sheet} />}
    </Section>
  );
}

function Results({ sheet: { results, place } }: { readonly sheet: TunerSheet }): ReactElement {
  if (results.length === 0) return <p className="hint">Nothing is known of this adapter yet ({place}).</p>;
  const faster = results.filter(({ speedup }) => speedup > 1);
  return (
    <>
      <p className="hint">
        {results.length === 1 ? '1 shape is' : `${results.length} shapes are`} known; for {faster.length || 'none'}{' '}
        something faster was found than the rule of thumb. Kept in {place}.
      </p>
      <div className="table-scroll table-tall" tabIndex={0} role="region" aria-label="Results of the tuner">
        <table>
          <thead>
            <tr>
              <th scope="col">Shape</th>
              <th scope="col">Rule of thumb</th>
              <th scope="col">Taken</th>
              <th scope="col">Times as fast</th>
              <th scope="col" className="times">
                Timed
              </th>
            </tr>
          </thead>
          <tbody>
            {[...results]
              .sort((a, b) => b.speedup - a.speedup)
              .map((result) => (
                <Row key={`${result.shape} ${result.at}`} result={result} />
              ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function Row({
  result: { shape, heuristic, taken, speedup, times, extent },
}: {
  readonly result: TuningResult;
}): ReactElement {
  const said = times.map(({ variant, ms }) => `${variant} ${ms === undefined ? 'fails' : msText(ms)}`).join(', ');
  return (
    <tr>
      <th scope="row">
        <code>{shape}</code>
      </th>
      <td>{heuristic ?? '–'}</td>
      <td>{speedup > 1 ? <strong>{taken}</strong> : 'the same'}</td>
      <td>{speedup > 1 ? `${speedup.toFixed(2)} ×` : '–'}</td>
      <td className="times">{extent === 'none' ? 'not its turn yet' : said}</td>
    </tr>
  );
}
