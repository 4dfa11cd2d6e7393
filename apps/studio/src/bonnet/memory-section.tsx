import type { MemoryMap, ModeMemory } from 'pleinair';
import { useEffect, useRef, useState, type ReactElement } from 'react';
import { useStore } from 'zustand/react';
import type { PictureShape } from '../engine/bonnet-protocol.js';
import { useStudio } from '../studio-context.js';
import { bytesInWords } from '../words/figures.js';
import { partText } from './format.js';
import { MemoryCurve } from './memory-curve.js';
import { Section } from './section.js';
import { TaskBar } from './task-bar.js';
import { useTask } from './use-task.js';

const modeWords = {
  low: 'Low: weights come for their work and go',
  balanced: 'Balanced: UNet and VAE stay',
  resident: 'Resident: everything stays',
} as const;

/** What pictures hold on the GPU, by part and through a run, in each memory mode. */
export function MemorySection({
  shape,
  modelId,
}: {
  readonly shape: PictureShape;
  readonly modelId: string;
}): ReactElement {
  const { bonnet, run } = useStudio();
  const known = useStore(bonnet, ({ memory }) => memory);
  const task = useTask<MemoryMap>('memory');
  const key = `${modelId} ${shape.width}×${shape.height} ${shape.memory}`;
  const asked = useRef<string>(undefined);
  const { ask } = task;
  const plan = (): Promise<void> =>
    ask(
      (engine) => engine.memoryMap(shape),
      (map) => bonnet.setState({ memory: { key, map } }),
    );
  useEffect(() => {
    if (bonnet.getState().memory?.key === key || asked.current === key) return;
    asked.current = key;
    if (run.getState().phase.kind !== 'idle') return; // the engine paints; there is a button for later
    void plan();
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- planned once a model and size
  }, [key]);
  return (
    <Section
      id="memory"
      title="Memory"
      about="What pictures of this size hold on the GPU, from the plan: the run allocates just these bytes."
    >
      <TaskBar task={task} />
      {!task.running && known?.key !== key && (
        <button type="button" className="button-plain" onClick={() => void plan()}>
          Plan it
        </button>
      )}
      {known?.key === key && <Modes key={key} map={known.map} />}
    </Section>
  );
}

function Modes({ map }: { readonly map: MemoryMap }): ReactElement {
  const [mode, setMode] = useState(map.mode);
  const shown = map.modes.find((each) => each.mode === mode) ?? map.modes[0]!;
  const most = Math.max(...map.modes.map(({ peakBytes }) => peakBytes));
  return (
    <>
      <fieldset className="mode-choice">
        <legend className="visually-hidden">Memory mode</legend>
        {map.modes.map(({ mode: each, peakBytes }) => (
          <label key={each} className="mode-card" data-chosen={each === mode}>
            <input type="radio" name="bonnet-mode" checked={each === mode} onChange={() => setMode(each)} />
            <span className="mode-words">{modeWords[each]}</span>
            <span className="mode-figure">
              {bytesInWords(peakBytes)}
              {each === map.mode && <span className="badge">taken here</span>}
            </span>
            <span className="mode-bar" aria-hidden="true">
              <span style={{ inlineSize: `${(100 * peakBytes) / most}%` }} />
            </span>
          </label>
        ))}
      </fieldset>
      <p className="hint">Where Studio chooses, it takes at most {bytesInWords(map.budgetBytes)} of this adapter.</p>
      <h3>By part</h3>
      <PartBars mode={shown} />
      <h3>Through a run</h3>
      <MemoryCurve mode={shown} />
      <MemoryTable mode={shown} />
    </>
  );
}

const kinds = [
  ['weights', 'Weights'],
  ['persistent', 'Kept between runs'],
  ['arena', 'Working memory'],
] as const;

/** The colours of memory, by what it is for. */
export function MemoryLegend(): ReactElement {
  return (
    <ul className="legend">
      {kinds.map(([kind, words]) => (
        <li key={kind}>
          <span className={`swatch memory-${kind}`} aria-hidden="true" /> {words}
        </li>
      ))}
    </ul>
  );
}

function PartBars({ mode }: { readonly mode: ModeMemory }): ReactElement {
  const sums = mode.parts.map(({ heldWeightsBytes, persistentBytes, intermediatesBytes }) => [
    heldWeightsBytes,
    persistentBytes,
    intermediatesBytes,
  ]);
  const most = Math.max(...sums.map((each) => each.reduce((a, b) => a + b, 0)));
  return (
    <>
      <MemoryLegend />
      <ul className="part-bars">
        {mode.parts.map(({ part, isKept }, i) => {
          const total = sums[i]!.reduce((a, b) => a + b, 0);
          return (
            <li key={part}>
              <span className="part-name">
                {partText(part)} {isKept && <span className="badge">stays</span>}
              </span>
              <span className="part-figure">{bytesInWords(total)}</span>
              <span className="part-bar" aria-hidden="true">
                {sums[i]!.map((bytes, k) => (
                  <span
                    key={kinds[k]![0]}
                    className={`memory-${kinds[k]![0]}`}
                    style={{ inlineSize: `${(100 * bytes) / most}%` }}
                  />
                ))}
              </span>
            </li>
          );
        })}
      </ul>
    </>
  );
}

function MemoryTable({ mode }: { readonly mode: ModeMemory }): ReactElement {
  return (
    <details>
      <summary>The same as a table</summary>
      <div className="table-scroll" tabIndex={0} role="region" aria-label="Memory by part">
        <table>
          <thead>
            <tr>
              <th scope="col">Part</th>
              <th scope="col">All weights</th>
              <th scope="col">Weights held at once</th>
              <th scope="col">Kept between runs</th>
              <th scope="col">Working memory</th>
              <th scope="col">Most of it in use</th>
              <th scope="col">Stays</th>
            </tr>
          </thead>
          <tbody>
            {mode.parts.map((part) => (
              <tr key={part.part}>
                <th scope="row">{partText(part.part)}</th>
                <td>{bytesInWords(part.weightsBytes)}</td>
                <td>{bytesInWords(part.heldWeightsBytes)}</td>
                <td>{bytesInWords(part.persistentBytes)}</td>
                <td>{bytesInWords(part.intermediatesBytes)}</td>
                <td>{bytesInWords(Math.max(0, ...part.segments.flatMap(({ live }) => live)))}</td>
                <td>{part.isKept ? 'yes' : 'no'}</td>
              </tr>
            ))}
            <tr>
              <th scope="row">Most at once</th>
              <td colSpan={6}>{bytesInWords(mode.peakBytes)}</td>
            </tr>
          </tbody>
        </table>
      </div>
    </details>
  );
}
