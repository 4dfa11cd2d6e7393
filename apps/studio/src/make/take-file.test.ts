import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createModelsStore } from '../models/models-store.js';
import { createPickStore } from '../models/pick-store.js';
import type { PickedFile } from '../models/picked-model.js';
import type { Studio } from '../studio.js';
import { createToastStore } from '../ui/toast-store.js';
import { createMakeStore } from './make-store.js';
import { createStartStore } from './start-store.js';
import { takeDrop } from './take-file.js';

let studio: Studio;
beforeEach(() => {
  vi.stubGlobal('location', { hash: '' });
  vi.stubGlobal('createImageBitmap', async (file: File) => {
    if (!file.type.startsWith('image/')) throw new DOMException('no picture', 'InvalidStateError');
    return { width: 32, height: 32, close: () => undefined };
  });
  const storage = { getItem: () => null, setItem: () => undefined, removeItem: () => undefined };
  studio = {
    make: createMakeStore(storage),
    models: createModelsStore(storage),
    start: createStartStore(),
    pick: createPickStore(),
    toasts: createToastStore(),
  } as unknown as Studio;
});
afterEach(() => vi.unstubAllGlobals());

const file = (path: string, type = ''): PickedFile => [path, new File(['x'], path.split('/').at(-1)!, { type })];

it.each([
  ['a checkpoint', [file('dreamscape.safetensors')], { kind: 'model', title: 'dreamscape' }],
  [
    'a folder',
    [file('my-sdxl/model_index.json'), file('my-sdxl/unet/config.json')],
    { kind: 'model', title: 'my-sdxl' },
  ],
  ['a pickle', [file('dreamscape.ckpt')], { kind: 'refused' }],
])('takes %s to where models are added', async (_, files, picked) => {
  await takeDrop(studio, files);
  expect(studio.pick.getState().picked).toMatchObject(picked);
  expect(location.hash).toBe('#/models');
  expect(studio.toasts.getState().toasts).toEqual([]);
});

it('begins with a picture, and refuses what is neither', async () => {
  await takeDrop(studio, [file('grey.png', 'image/png')]);
  expect(studio.start.getState().image).toMatchObject({ name: 'grey.png' });
  expect(location.hash).toBe('#/make');
  await takeDrop(studio, [file('notes.txt', 'text/plain')]);
  expect(studio.toasts.getState().toasts).toMatchObject([{ tone: 'warning' }]);
  await takeDrop(studio, []);
  expect(studio.pick.getState().picked).toBeUndefined();
});
