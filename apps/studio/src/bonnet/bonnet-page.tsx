import { useEffect, useState, type ReactElement } from 'react';
import { useStore } from 'zustand/react';
import type { PictureShape } from '../engine/bonnet-protocol.js';
import { chooseModel } from '../models/choose-model.js';
import { chosenModel } from '../models/models-store.js';
import { useStudio } from '../studio-context.js';
import { SelectField } from '../ui/select-field.js';
import { AdapterSection } from './adapter-section.js';
import { LabSection } from './lab/lab-section.js';
import { MemorySection } from './memory-section.js';
import { TimelineSection } from './timeline-section.js';
import { TunerSection } from './tuner-section.js';
import '../styles/bonnet.css';
import '../styles/bonnet-memory.css';
import '../styles/bonnet-kernels.css';
import '../styles/palette-lab.css';

const sections = [
  ['adapter', 'Adapter'],
  ['memory', 'Memory'],
  ['kernels', 'Kernels'],
  ['tuner', 'Tuner'],
  ['palettes', 'Palette lab'],
] as const;

/** The engine laid open: what it runs on, what it holds, where the time goes, and what palettes do to a model. */
export function BonnetPage(): ReactElement {
  const studio = useStudio();
  const { models: store, make } = studio;
  const models = useStore(store);
  // As pictures are made, so that the model need not be opened twice.
  const memory = useStore(make, ({ form }) => form.memory);
  const model = chosenModel(models);
  const [size, setSize] = useState(0);
  useEffect(() => setSize(0), [model.id]);
  const { width, height } = model.sizes[size] ?? model.sizes[0];
  const shape: PictureShape = { model: model.spot, memory, width, height, ...model.defaults };
  return (
    <div className="page bonnet">
      <h1>Under the bonnet</h1>
      <nav className="bonnet-nav" aria-label="On this page">
        {sections.map(([id, title]) => (
          <button key={id} type="button" className="chip" onClick={() => jump(id)}>
            {title}
          </button>
        ))}
      </nav>
      <AdapterSection />
      <div className="bonnet-shape">
        <SelectField label="Model" value={model.id} onChange={(id) => chooseModel(studio, id)}>
          {models.models.map(({ id, name, unable }) => (
            <option key={id} value={id} disabled={unable !== undefined}>
              {name}
            </option>
          ))}
        </SelectField>
        <SelectField label="Picture size" value={String(size)} onChange={(value) => setSize(Number(value))}>
          {model.sizes.map((each, i) => (
            <option key={each.label} value={i}>
              {each.label}, {each.width} × {each.height}
            </option>
          ))}
        </SelectField>
      </div>
      <MemorySection shape={shape} modelId={model.id} />
      <TimelineSection shape={shape} />
      <TunerSection shape={shape} isDemo={model.spot.kind === 'demo'} />
      <LabSection key={model.id} model={model} shape={shape} />
    </div>
  );
}

/** A plain `#id` would change the route. */
function jump(id: string): void {
  const section = document.querySelector<HTMLElement>(`#bonnet-${id}`);
  section?.scrollIntoView();
  section?.focus({ preventScroll: true });
}
