import type { ReactElement } from 'react';
import { useStore } from 'zustand/react';
import { chosenModel } from '../models/models-store.js';
import { useStudio } from '../studio-context.js';
import { SelectField } from '../ui/select-field.js';

/** The choice of a model; the form takes its size, steps and guidance. */
export function ModelField(): ReactElement {
  const { models: store, make } = useStudio();
  const state = useStore(store);
  const model = chosenModel(state);
  const choose = (id: string): void => {
    state.choose(id);
    const { defaults, sizes } = chosenModel({ ...state, chosen: id });
    const [{ width, height }] = sizes;
    make.getState().change({ ...defaults, width, height, scheduler: '' });
  };
  return (
    <SelectField label="Model" value={model.id} hint={model.unable ?? model.about} onChange={choose}>
      {state.models.map(({ id, name, unable }) => (
        <option key={id} value={id} disabled={unable !== undefined}>
          {name}
        </option>
      ))}
    </SelectField>
  );
}
