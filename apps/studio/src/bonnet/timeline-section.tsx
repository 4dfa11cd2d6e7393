import type { KernelProfile, ProfiledSegment } from 'pleinair';
import { useState, type ReactElement } from 'react';
import { useStore } from 'zustand/react';
import type { PictureShape } from '../engine/bonnet-protocol.js';
import { useStudio } from '../studio-context.js';
import { SelectField } from '../ui/select-field.js';
import { bandwidthText, flopsText, msText, partText, shareText } from './format.js';
import { Section } from './section.js';
import { TaskBar } from './task-bar.js';
import { Timeline } from './timeline.js';
import { useTask } from './use-task.js';

/** Where a picture's time goes, kernel by kernel. */
export function TimelineSection({ shape }: { readonly shape: PictureShape }): ReactElement {
  const { bonnet } = useStudio();
  const profile = useStore(bonnet, (state) => state.profile);
  const task = useTask<KernelProfile>('kernels');
  const ask = (parts: readonly string[] | undefined): void =>
    void task.ask(
      (engine, tell) => engine.profile(shape, parts, tell),
      (answer) => bonnet.setState({ profile: answer }),
    );
  return (
    <Section
      id="kernels"
      title="Kernels"
      about="Runs parts of a picture of this size and takes the time of every kernel. It loads the model as painting does."
    >
      {!task.running && (
        <div className="actions">
          <button type="button" className="button-main" onClick={() => ask(['unet'])}>
            Time one step
          </button>
          <button type="button" className="button-plain" onClick={() => ask(undefined)}>
            Time all parts
          </button>
        </div>
      )}
      <TaskBar task={task} />
      {profile && <Profile key={`${profile.width} ${profile.segments.length}`} profile={profile} />}
    </Section>
  );
}

function Profile({ profile }: { readonly profile: KernelProfile }): ReactElement {
  const longest = profile.segments.reduce((a, b) => (b.ms * b.runs > a.ms * a.runs ? b : a));
  const [chosen, choose] = useState(keyOf(longest));
  const segment = profile.segments.find((each) => keyOf(each) === chosen) ?? longest;
  const all = profile.segments.reduce((sum, { ms, runs }) => sum + ms * runs, 0);
  return (
    <>
      {profile.source === 'planned' && (
        <p className="note">
          This adapter has no timestamps: each part was timed as a whole, and its time shared out among kernels by their
          work as planned. Shares are estimates.
        </p>
      )}
      <p className="hint">
        {profile.adapter}, {profile.width} × {profile.height}, {profile.precision}, memory mode {profile.mode}.
      </p>
      <SelectField label="Part" value={keyOf(segment)} onChange={choose}>
        {profile.segments.map((each) => (
          <option key={keyOf(each)} value={keyOf(each)}>
            {partText(each.part)}, {each.segment}: {msText(each.ms)}
            {each.runs > 1 ? `, ${each.runs} times a picture` : ''}
            {profile.segments.length > 1 ? ` (${shareText((each.ms * each.runs) / all)})` : ''}
          </option>
        ))}
      </SelectField>
      <Families segment={segment} />
      <Timeline key={keyOf(segment)} segment={segment} />
      <KernelTable segment={segment} />
    </>
  );
}

function keyOf({ part, segment }: ProfiledSegment): string {
  return `${part} ${segment}`;
}

function Families({ segment: { families } }: { readonly segment: ProfiledSegment }): ReactElement {
  return (
    <ul className="family-bars" aria-label="Time by family of kernels">
      {families.map(({ family, ms, share, dispatches, flops, bytesMoved }, i) => (
        <li key={family}>
          <span className="part-name">
            <span className={`swatch hue-${Math.min(i, 7)}`} aria-hidden="true" /> {family}
          </span>
          <span className="part-figure">
            {msText(ms)}, {shareText(share)}
          </span>
          <span className="part-bar" aria-hidden="true">
            <span className={`hue-${Math.min(i, 7)}`} style={{ inlineSize: `${100 * share}%` }} />
          </span>
          <span className="hint family-note">
            {dispatches} {dispatches === 1 ? 'dispatch' : 'dispatches'}
            {flops > 0 && `, ${flopsText(flops, ms)}`}
            {bytesMoved > 0 && `, ${bandwidthText(bytesMoved, ms)}`}
          </span>
        </li>
      ))}
    </ul>
  );
}

const firstRows = 40;

function KernelTable({ segment: { kernels, ms: all } }: { readonly segment: ProfiledSegment }): ReactElement {
  const [isWhole, setWhole] = useState(false);
  const longest = kernels.map((kernel, i) => ({ kernel, i })).sort((a, b) => b.kernel.ms - a.kernel.ms);
  const rows = isWhole ? longest : longest.slice(0, firstRows);
  return (
    <details>
      <summary>The longest of {kernels.length} kernels, as a table</summary>
      <div className="table-scroll" tabIndex={0} role="region" aria-label="Kernels, the longest first">
        <table>
          <thead>
            <tr>
              <th scope="col">Where</th>
              <th scope="col">Kernel</th>
              <th scope="col">Time</th>
              <th scope="col">Share</th>
              <th scope="col">Work</th>
              <th scope="col">Memory</th>
              <th scope="col">Position</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ kernel, i }) => (
              <tr key={i}>
                <th scope="row">
                  <code>{kernel.label || kernel.op}</code>
                </th>
                <td>
                  {kernel.family}/{kernel.variant}
                </td>
                <td>{msText(kernel.ms)}</td>
                <td>{shareText(all > 0 ? kernel.ms / all : 0)}</td>
                <td>{flopsText(kernel.flops, kernel.ms)}</td>
                <td>{bandwidthText(kernel.bytesMoved, kernel.ms)}</td>
                <td>{i + 1}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {!isWhole && kernels.length > firstRows && (
        <button type="button" className="button-quiet" onClick={() => setWhole(true)}>
          Show all {kernels.length}
        </button>
      )}
    </details>
  );
}
