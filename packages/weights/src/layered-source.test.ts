import { expect, test } from 'vitest';
import { blobSource, layeredSource } from './index.js';

const source = (files: Record<string, string>) =>
  blobSource(new Map(Object.entries(files).map(([path, text]) => [path, new Blob([text])])));

const layered = layeredSource([
  source({ 'unet/weights': 'small', 'unet/config.json': '{"a":1}' }),
  source({
    'unet/weights': 'large weights',
    'unet/weights.fp16': 'another variant',
    'unet/config.json': '{"a":2}',
    'model_index.json': '{}',
    'tokenizer/vocab.json': '{"b":1}',
  }),
]);

test('a part comes whole from the first place that has it, any other file from where it is', async () => {
  expect(await layered.size('unet/weights')).toBe(5);
  expect(await layered.exists('unet/weights.fp16')).toBe(false);
  expect(await layered.readJson('model_index.json')).toEqual({});
  expect(await layered.readJson('tokenizer/vocab.json')).toEqual({ b: 1 });
  expect(new TextDecoder().decode(await layered.readRange('unet/weights', 1, 4))).toBe('mal');
  expect(await layered.readJson('unet/config.json')).toEqual({ a: 1 });
  expect([await layered.exists('unet/config.json'), await layered.exists('vae/config.json')]).toEqual([true, false]);
});

test('what no place has, and ranges beyond the end, are told as of one place', async () => {
  await expect(layered.readText('vae/config.json')).rejects.toMatchObject({ code: 'weights/missing-file' });
  await expect(layered.readText('vae/config.json')).rejects.toThrow(layered.describe());
  await expect(layered.readRange('unet/weights', 2, 9)).rejects.toMatchObject({ code: 'weights/truncated' });
});

test('which place has a file is asked once, however many pieces are read', async () => {
  let asked = 0;
  const place = source({ 'unet/weights': 'some weights', 'unet/config.json': '{}' });
  const counted = { ...place, exists: (path: string) => (asked++, place.exists(path)) };
  const once = layeredSource([counted, source({})]);
  for (let at = 0; at < 12; at += 4) await once.readRange('unet/weights', at, at + 4);
  expect(asked).toBe(2); // the part's config.json and the file
});

test('a cancelled read stops', async () => {
  await expect(layered.size('unet/weights', { signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'cancelled',
  });
});

test('one place is itself, none is refused', () => {
  const one = source({});
  expect(layeredSource([one])).toBe(one);
  expect(() => layeredSource([])).toThrow(RangeError);
});
