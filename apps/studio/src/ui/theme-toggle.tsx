import { useState, type ReactElement } from 'react';
import { Icon } from './icon.js';
import { chooseTheme, readTheme, type Theme } from './theme.js';

const next: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' };
const words: Readonly<Record<Theme, string>> = { system: 'as the system', light: 'light', dark: 'dark' };
const icons = { system: 'system', light: 'sun', dark: 'moon' } as const;

/** Goes through the themes. */
export function ThemeToggle(): ReactElement {
  const [theme, setTheme] = useState(readTheme);
  const change = (): void => {
    chooseTheme(next[theme]);
    setTheme(next[theme]);
  };
  const label = `Colours: ${words[theme]}. Change to ${words[next[theme]]}`;
  return (
    <button type="button" className="icon-button" onClick={change} aria-label={label} title={label}>
      <Icon name={icons[theme]} />
    </button>
  );
}
