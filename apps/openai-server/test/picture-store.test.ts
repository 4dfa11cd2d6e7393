import { expect, it } from 'vitest';
import { PictureStore } from '../src/picture-store.js';

it('keeps a picture for its time', () => {
  let now = 0;
  const store = new PictureStore(1000, 1e6, () => now);
  const name = store.put(Uint8Array.of(1, 2), 'webp');
  now = 999;
  expect(store.get(name)).toMatchObject({ bytes: Uint8Array.of(1, 2), type: 'image/webp' });
  now = 1000;
  expect(store.get(name)).toBeUndefined();
});

it('lets the oldest go where there are too many bytes, never the last one', () => {
  const store = new PictureStore(1000, 10, () => 0);
  const names = [4, 4, 4, 40].map((size) => store.put(new Uint8Array(size), 'png'));
  expect(names.map((name) => store.get(name)?.bytes.length)).toEqual([undefined, undefined, undefined, 40]);
  const next = store.put(new Uint8Array(2), 'png');
  expect([names[3]!, next].map((name) => store.get(name)?.bytes.length)).toEqual([undefined, 2]);
});
