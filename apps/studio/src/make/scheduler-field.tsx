import type { ReactElement } from 'react';
import { SelectField } from '../ui/select-field.js';
import { schedulerChoices } from './scheduler-names.js';

/** The choice of a scheduler. */
export function SchedulerField({
  value,
  onChange,
}: {
  readonly value: string;
  readonly onChange: (value: string) => void;
}): ReactElement {
  const use = schedulerChoices.find(({ name }) => name === value)?.use ?? 'what the model’s makers chose';
  const known = value === '' || schedulerChoices.some(({ name }) => name === value);
  return (
    <SelectField label="Scheduler" value={value} hint={use} onChange={onChange}>
      <option value="">The model’s own</option>
      {!known && <option value={value}>{value}</option>}
      {schedulerChoices.map(({ name, title }) => (
        <option key={name} value={name}>
          {title}
        </option>
      ))}
    </SelectField>
  );
}
