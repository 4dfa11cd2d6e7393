import { useId, type KeyboardEvent, type ReactElement } from 'react';
import type { PromptTokens } from '../engine/protocol.js';
import { TokenCounter } from './token-counter.js';

/** A prompt with its count of tokens. Ctrl or ⌘ with Enter paints. */
export function PromptField({
  label,
  value,
  rows,
  placeholder,
  tokens,
  onChange,
  onSubmit,
}: PromptProps): ReactElement {
  const id = useId();
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    onSubmit();
  };
  return (
    <div className="field prompt-field">
      <label htmlFor={id}>{label}</label>
      <TokenCounter id={`${id}-tokens`} tokens={tokens} />
      <textarea
        id={id}
        rows={rows}
        value={value}
        placeholder={placeholder}
        aria-describedby={`${id}-tokens`}
        onChange={({ target }) => onChange(target.value)}
        onKeyDown={onKeyDown}
      />
    </div>
  );
}

interface PromptProps {
  readonly label: string;
  readonly value: string;
  readonly rows: number;
  readonly placeholder?: string;
  readonly tokens: PromptTokens | undefined;
  readonly onChange: (value: string) => void;
  readonly onSubmit: () => void;
}
