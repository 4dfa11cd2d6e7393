import { expect, it } from 'vitest';
import { readHubName } from '../hub/hub-name.js';
import { localModelName } from './local-name.js';

it.each([
  ['Dream Shaper (v8).safetensors', 'local/Dream-Shaper-v8'],
  ['sd_xl_base_1.0.safetensors', 'local/sd_xl_base_1.0'],
  ['älpler – Maß.SafeTensors', 'local/alpler-Ma'],
  ['..--__x..y--z-', 'local/x.y-z'],
  ['風景.safetensors', 'local/model'],
  ['', 'local/model'],
  ['a'.repeat(200), `local/${'a'.repeat(80)}`],
])('%j is kept as %s', (title, name) => {
  expect(localModelName(title)).toBe(name);
  expect(readHubName(name).repo).toBe(name);
});

it('puts a number behind names that are given', () => {
  expect(localModelName('a.safetensors', ['local/a', 'local/a-2'])).toBe('local/a-3');
  expect(localModelName('a', ['local/b'])).toBe('local/a');
});
