import { useId, useState, type ReactElement } from 'react';

/** A number with a slider beside it. */
export function SliderField({ label, value, min, max, step = 1, hint, disabled, onChange }: SliderProps): ReactElement {
  const id = useId();
  return (
    <div className="field slider-field">
      <label htmlFor={id}>{label}</label>
      <NumberInput id={id} {...{ value, min, max, step, disabled, onChange }} describedBy={hint && `${id}-hint`} />
      <input
        type="range"
        aria-label={`${label}, slider`}
        // The number beside it says the same; one stop of the Tab key is enough.
        tabIndex={-1}
        {...{ min, max, step, disabled }}
        value={value}
        onChange={({ target }) => onChange(target.valueAsNumber)}
      />
      {hint && (
        <p className="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

interface SliderProps {
  readonly label: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step?: number;
  readonly hint?: string;
  readonly disabled?: boolean;
  readonly onChange: (value: number) => void;
}

/** A number typed in; what is out of range is put right when the field is left. */
export function NumberInput({
  id,
  value,
  min,
  max,
  step,
  disabled,
  describedBy,
  label,
  onChange,
}: NumberProps): ReactElement {
  const [typed, setTyped] = useState<string>();
  return (
    <input
      id={id}
      type="number"
      inputMode="decimal"
      aria-label={label}
      aria-describedby={describedBy || undefined}
      {...{ min, max, step, disabled }}
      value={typed ?? String(value)}
      onChange={({ target }) => {
        setTyped(target.value);
        const number = target.valueAsNumber;
        if (Number.isFinite(number) && number >= min && number <= max) onChange(number);
      }}
      onBlur={() => {
        const number = typed === undefined || typed === '' ? NaN : Number(typed);
        if (Number.isFinite(number)) onChange(Math.min(max, Math.max(min, number)));
        setTyped(undefined);
      }}
    />
  );
}

interface NumberProps {
  readonly id?: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step?: number;
  readonly disabled?: boolean;
  readonly describedBy?: string;
  readonly label?: string;
  readonly onChange: (value: number) => void;
}
