import { listSchedulers } from '@pleinair/schedulers';
import type { ReactElement } from 'react';
import { SelectField } from '../ui/select-field.js';

/** Every scheduler by its usual name, and with Karras noise levels where it has them. */
const schedulers = listSchedulers().flatMap(({ name, aliases, spreads, use }) => {
  const title = aliases[0] ?? name;
  const plain = { name, title, use };
  return spreads ? [plain, { name: `${name}-karras`, title: `${title} Karras`, use }] : [plain];
});

/** The choice of a scheduler. */
export function SchedulerField({
  value,
  onChange,
}: {
  readonly value: string;
  readonly onChange: (value: string) => void;
}): ReactElement {
  const use = schedulers.find(({ name }) => name === value)?.use ?? 'what the model’s makers chose';
  const known = value === '' || schedulers.some(({ name }) => name === value);
  return (
    <SelectField label="Scheduler" value={value} hint={use} onChange={onChange}>
      <option value="">The model’s own</option>
      {!known && <option value={value}>{value}</option>}
      {schedulers.map(({ name, title }) => (
        <option key={name} value={name}>
          {title}
        </option>
      ))}
    </SelectField>
  );
}
