import { createJSONStorage } from 'zustand/middleware';
import { expect, it } from 'vitest';
import { requestOf } from '../engine/painting.js';
import type { PictureOrder } from '../engine/protocol.js';
import { createModelsStore } from '../models/models-store.js';
import type { Studio } from '../studio.js';
import { createMakeStore, type MakeForm } from './make-store.js';
import { startRun } from './run-control.js';
import { createRunStore } from './run-store.js';
import { createStartStore } from './start-store.js';

const noStorage = { getItem: () => null, setItem: () => undefined, removeItem: () => undefined };
const mask = { width: 1, height: 1, rgba: new Uint8ClampedArray(4) };
const image = { blob: new Blob(['a picture']), name: 'a.png', width: 8, height: 8 };

/** What the engine is asked for a form and a picture to begin with, and what it makes of that. */
async function asked(form: Partial<MakeForm>, begin: { image?: boolean; mask?: boolean }) {
  const orders: PictureOrder[] = [];
  const start = createStartStore();
  if (begin.image) start.getState().begin(image);
  if (begin.mask) start.getState().setMask(mask);
  const studio = {
    run: createRunStore(),
    make: createMakeStore(createJSONStorage(() => noStorage)),
    models: createModelsStore(noStorage),
    start,
    engine: {
      paint: (order: PictureOrder) => {
        orders.push(order);
        return Promise.resolve({ kind: 'cancelled' });
      },
    },
  } as unknown as Studio;
  studio.make.getState().change(form);
  await startRun(studio);
  return { order: orders[0]!, request: requestOf(orders[0]!) };
}

it('asks for the picture to begin with and its mask only where they are', async () => {
  const noise = await asked({ strength: 0.4 }, {});
  expect(noise.order.start).toBeUndefined();
  expect(noise.request).not.toHaveProperty('image');

  const whole = await asked({ strength: 0.4, maskBlur: 9, onlyMasked: true }, { image: true });
  expect(whole.order.start).toEqual({ image: image.blob, strength: 0.4 });
  expect(whole.request).toMatchObject({ image: image.blob, strength: 0.4 });
  expect(whole.request).not.toHaveProperty('maskBlur');
});

it('works on the whole picture, or on the masked part alone, which is then always put back', async () => {
  const form = { strength: 1, maskBlur: 9, pasteBack: false, maskPadding: 12 };
  const whole = await asked(form, { image: true, mask: true });
  expect(whole.request).toMatchObject({ mask, maskBlur: 9, pasteBack: false });
  expect(whole.request.paddingMaskCrop).toBeUndefined();

  const part = await asked({ ...form, onlyMasked: true }, { image: true, mask: true });
  expect(part.request).toMatchObject({ mask, maskBlur: 9, pasteBack: true, paddingMaskCrop: 12 });
});
