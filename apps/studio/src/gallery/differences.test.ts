import type { PictureSettings } from 'pleinair';
import { describe, expect, it } from 'vitest';
import { differences } from './differences.js';

const settings: PictureSettings = {
  prompt: 'a cabin',
  seed: 1,
  steps: 20,
  guidance: 4,
  scheduler: 'euler',
  rng: 'torch',
  width: 128,
  height: 128,
  model: 'pleinair-demo',
  version: '0.1.0',
};

describe('differences', () => {
  it('is empty for pictures made alike, whether or not an empty text is said', () => {
    expect(differences(settings, { ...settings, negative: '' })).toEqual([]);
  });

  it('tells what differs, in the order of the form', () => {
    const other = { ...settings, seed: 2, negative: 'snow', loras: { ink: 0.5 } };
    expect(differences(settings, other)).toEqual([
      { name: 'Negative prompt', left: '–', right: 'snow' },
      { name: 'Seed', left: '1', right: '2' },
      { name: 'LoRAs', left: '–', right: '{"ink":0.5}' },
    ]);
  });
});
