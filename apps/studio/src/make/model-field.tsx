import type { ReactElement } from 'react';
import { useStore } from 'zustand/react';
import { chooseModel } from '../models/choose-model.js';
import { chosenModel } from '../models/models-store.js';
import { useStudio } from '../studio-context.js';
import { SelectField } from '../ui/select-field.js';

/** The choice of a model; the form takes its size, steps and guidance. */
export function ModelField(): ReactElement {
  const studio = useStudio();
  const state = useStore(studio.models);
  const model = chosenModel(state);
  return (
    <SelectField
      label="Model"
      value={model.id}
      hint={model.unable ?? model.about}
      onChange={(id) => chooseModel(studio, id)}
    >
      {state.models.map(({ id, name, unable }) => (
        <option key={id} value={id} disabled={unable !== undefined}>
          {name}
        </option>
      ))}
    </SelectField>
  );
}
