import { expect, it } from 'vitest';
import { accessOf, createHubSettings, endpointTrouble } from './hub-settings.js';

function storage() {
  const kept = new Map<string, string>();
  return {
    kept,
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
}

it('is remembered over reloads, and what is broken is forgotten', () => {
  const place = storage();
  createHubSettings(place).getState().change({ endpoint: ' https://hub.example/ ', token: ' hf_x ' });
  const again = createHubSettings(place).getState();
  expect(accessOf(again)).toEqual({ endpoint: 'https://hub.example', token: 'hf_x' });
  again.change({ token: '' });
  expect(accessOf(createHubSettings(place).getState())).toEqual({ endpoint: 'https://hub.example' });
  for (const key of place.kept.keys()) place.kept.set(key, 'null');
  expect(accessOf(createHubSettings(place).getState())).toEqual({});
});

it.each([
  ['', true],
  ['https://hub.example', true],
  ['http://127.0.0.1:8080', true],
  ['hub.example', false],
  ['ftp://hub.example', false],
])('an endpoint of %j will do: %s', (endpoint, fine) => {
  expect(endpointTrouble(endpoint) === undefined).toBe(fine);
});
