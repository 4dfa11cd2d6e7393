import type { ReactElement } from 'react';
import { useStore } from 'zustand/react';
import { chosenModel } from '../models/models-store.js';
import { useStudio } from '../studio-context.js';
import { SelectField } from '../ui/select-field.js';
import { SliderField } from '../ui/slider-field.js';
import type { MakeForm as Form } from './make-store.js';
import { ModelField } from './model-field.js';
import { PromptField } from './prompt-field.js';
import { RunBar } from './run-bar.js';
import { startRun } from './run-control.js';
import { SchedulerField } from './scheduler-field.js';
import { SeedField } from './seed-field.js';
import { StartPanel } from './start-panel.js';
import { SizeField } from './size-field.js';
import { useTokenCounts } from './use-token-counts.js';

/** All that a picture is made with. */
export function MakeForm(): ReactElement {
  const studio = useStudio();
  const { form, change } = useStore(studio.make);
  const model = useStore(studio.models, chosenModel);
  const tokens = useTokenCounts(model.spot, [form.prompt, form.negative]);
  const paint = (): void => void startRun(studio);
  return (
    <form className="make-form" aria-label="Settings" onSubmit={(event) => event.preventDefault()}>
      <PromptField
        label="Prompt"
        rows={4}
        value={form.prompt}
        placeholder="What should it show?"
        tokens={tokens?.[0]}
        onChange={(prompt) => change({ prompt })}
        onSubmit={paint}
      />
      {model.examples && <Examples examples={model.examples} onChoose={(prompt) => change({ prompt })} />}
      <PromptField
        label="Negative prompt"
        rows={2}
        value={form.negative}
        placeholder="What should it not show?"
        tokens={tokens?.[1]}
        onChange={(negative) => change({ negative })}
        onSubmit={paint}
      />
      <StartPanel />
      <RunBar onPaint={paint} disabled={form.prompt.trim() === '' || model.unable !== undefined} />
      <ModelField />
      <SizeField
        sizes={model.sizes}
        width={form.width}
        height={form.height}
        onChange={(width, height) => change({ width, height })}
      />
      <SliderField label="Steps" min={1} max={100} value={form.steps} onChange={(steps) => change({ steps })} />
      <SliderField
        label="Guidance"
        min={1}
        max={20}
        step={0.5}
        value={form.guidance}
        hint={form.guidance <= 1 ? 'None: a step costs half, and a negative prompt does nothing.' : undefined}
        onChange={(guidance) => change({ guidance })}
      />
      <SeedField seed={form.seed} seedMode={form.seedMode} onChange={change} />
      <SliderField label="Pictures" min={1} max={16} value={form.count} onChange={(count) => change({ count })} />
      <details className="more">
        <summary>More settings</summary>
        <SchedulerField value={form.scheduler} onChange={(scheduler) => change({ scheduler })} />
        <SelectField
          label="Previews"
          value={form.preview}
          onChange={(preview) => change({ preview: preview as Form['preview'] })}
        >
          <option value="quick">Quick: rough, at next to no cost</option>
          <option value="full">Full: decoded, which takes time</option>
          <option value="off">Off</option>
        </SelectField>
        <SelectField
          label="GPU memory"
          value={form.memory}
          hint="What stays on the GPU between pictures."
          onChange={(memory) => change({ memory: memory as Form['memory'] })}
        >
          <option value="auto">What fits</option>
          <option value="low">As little as possible</option>
          <option value="balanced">The UNet and the decoder</option>
          <option value="resident">All of the model</option>
        </SelectField>
      </details>
    </form>
  );
}

function Examples({
  examples,
  onChoose,
}: {
  readonly examples: readonly string[];
  readonly onChoose: (prompt: string) => void;
}): ReactElement {
  return (
    <details className="examples">
      <summary>Ideas this model knows</summary>
      <ul>
        {examples.map((prompt) => (
          <li key={prompt}>
            <button type="button" className="chip" onClick={() => onChoose(prompt)}>
              {prompt}
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}
