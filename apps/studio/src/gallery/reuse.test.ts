import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cabinSettings as settings } from '../../test/cabin-settings.js';
import { createMakeStore } from '../make/make-store.js';
import { createStartStore } from '../make/start-store.js';
import { createModelsStore } from '../models/models-store.js';
import { sdxlSizes } from '../models/size-presets.js';
import type { StudioModel } from '../models/studio-model.js';
import { createToastStore } from '../ui/toast-store.js';
import { findModel, notInForm, reuse } from './reuse.js';

const dream: StudioModel = {
  id: 'someone/dream',
  name: 'dream',
  about: '',
  spot: { kind: 'stored', name: 'someone/dream' },
  defaults: { steps: 30, guidance: 5 },
  sizes: sdxlSizes,
};

function studioWith(...models: StudioModel[]) {
  const studio = {
    models: createModelsStore({ getItem: () => null, setItem: () => undefined }),
    make: createMakeStore({ getItem: () => null, setItem: () => undefined, removeItem: () => undefined }),
    start: createStartStore(),
    toasts: createToastStore(),
  };
  for (const model of models) studio.models.getState().put(model);
  return studio;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('location', { hash: '' });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('reuse', () => {
  it('takes the picture’s own model, and its settings rather than the model’s', () => {
    const studio = studioWith(dream);
    reuse(studio, { settings: { ...settings, model: 'renamed' }, model: dream.id });
    expect(studio.models.getState().chosen).toBe(dream.id);
    expect(studio.make.getState().form).toMatchObject({ steps: 12, guidance: 3, width: 96, height: 128, seed: 5 });
    expect(studio.make.getState().form.scheduler).toBe('heun');
    expect(studio.toasts.getState().toasts).toMatchObject([{ text: 'Its settings are in the form.', tone: 'plain' }]);
    reuse(studio, { settings });
    expect(studio.models.getState().chosen).toBe('demo');
  });

  it('names the model that is not here, and leaves the chosen one', () => {
    const studio = studioWith({ ...dream, unable: 'too large' });
    reuse(studio, { settings: { ...settings, model: 'dream', clipSkip: 1 }, model: dream.id });
    expect(studio.models.getState().chosen).toBe('demo');
    expect(studio.toasts.getState().toasts).toMatchObject([
      { text: 'Its settings are in the form. Not restored: the model dream, CLIP skip 1.', tone: 'warning' },
    ]);
  });

  it('takes the picture to begin with away only from what was made from noise', () => {
    const studio = studioWith();
    const image = { blob: new Blob(), name: 'a', width: 8, height: 8 };
    studio.start.getState().begin(image);
    reuse(studio, { settings: { ...settings, strength: 0.5 } });
    expect(studio.start.getState().image).toBe(image);
    expect(studio.toasts.getState().toasts.at(-1)?.text).toContain('Not restored: the picture it began with.');
    reuse(studio, { settings });
    expect(studio.start.getState().image).toBeUndefined();
  });
});

describe('findModel', () => {
  it('knows a model by the name inside a picture', () => {
    const models = [...studioWith(dream).models.getState().models, { ...dream, id: 'local/ink.safetensors' }];
    expect(findModel(models, 'dream')?.id).toBe(dream.id);
    expect(findModel(models, 'ink')?.id).toBe('local/ink.safetensors');
    expect(findModel(models, 'pleinair-demo')?.id).toBe('demo');
    expect(findModel(models, 'demo')).toBeUndefined();
    expect(findModel(models, 'other')).toBeUndefined();
    // One of the gallery is known by its id alone.
    expect(findModel(models, 'dream', 'gone')).toBeUndefined();
  });
});

describe('notInForm', () => {
  it('is empty for what the form can say', () => {
    expect(notInForm(settings)).toEqual([]);
    expect(notInForm({ ...settings, negative: 'fog', loras: {} })).toEqual([]);
  });

  it('names everything else', () => {
    const all = {
      strength: 0.5,
      prompt2: 'b',
      negative2: 'c',
      clipSkip: 2,
      guidanceRescale: 0.7,
      refinerStart: 0.8,
      rng: 'cuda',
      loras: { ink: 1, pixel: 0.5 },
    } as const;
    expect(notInForm({ ...settings, ...all })).toEqual([
      'the picture it began with',
      'its second prompt',
      'its second negative prompt',
      'CLIP skip 2',
      'guidance rescale 0.7',
      'the refiner from 0.8',
      'LoRAs (ink, pixel)',
      'random numbers of cuda',
    ]);
  });
});
