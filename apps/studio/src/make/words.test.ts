import { describe, expect, it } from 'vitest';
import { fileName } from '../gallery/picture-file.js';
import { formOf } from '../gallery/reuse.js';
import { loadingWords, speedInWords } from './run-words.js';
import { schedulerTitle } from './scheduler-names.js';

const settings = {
  prompt: 'Ein Haus – am See, bei Nacht!',
  seed: 12,
  steps: 20,
  guidance: 4,
  scheduler: 'EulerDiscreteScheduler',
  rng: 'torch',
  width: 96,
  height: 128,
  model: 'pleinair-demo',
  version: '0.1.0',
} as const;

describe('words', () => {
  it('say speeds the way that is easier to read', () => {
    expect([2.34, 0.25, 0, NaN].map(speedInWords)).toEqual(['2.3 it/s', '4.0 s/it', '', '']);
  });

  it('say what is being loaded', () => {
    expect(loadingWords({ kind: 'loading', part: 'unet', phase: 'weights', loaded: 1, total: 2 })).toBe(
      'Loading the UNet',
    );
    expect(loadingWords({ kind: 'loading', part: 'text_encoder_3', phase: 'run', loaded: 0, total: 0 })).toBe(
      'Running text_encoder_3',
    );
  });

  it('call schedulers what people do', () => {
    expect(['EulerDiscreteScheduler', 'dpmpp-2m-karras', 'mine'].map(schedulerTitle)).toEqual([
      'Euler',
      'DPM++ 2M Karras',
      'mine',
    ]);
  });
});

describe('files and settings', () => {
  it('name a file after what it shows', () => {
    expect(fileName({ settings })).toBe('ein-haus-am-see-bei-nacht-12.png');
    expect(fileName({ settings: { ...settings, prompt: '…' } })).toBe('picture-12.png');
    expect(fileName({ settings: { ...settings, prompt: 'word '.repeat(40) } }).length).toBeLessThan(72);
  });

  it('go back into the form, the model’s own scheduler as such', () => {
    expect(formOf(settings)).toMatchObject({ negative: '', scheduler: '', seed: 12, seedMode: 'keep', count: 1 });
    expect(formOf({ ...settings, scheduler: 'heun', negative: 'fog' })).toMatchObject({
      scheduler: 'heun',
      negative: 'fog',
    });
  });
});
