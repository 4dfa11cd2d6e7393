import { beforeEach, expect, it } from 'vitest';
import type { PictureOrder, RunEnd } from '../engine/protocol.js';
import { createModelsStore } from '../models/models-store.js';
import type { Studio } from '../studio.js';
import { createMakeStore, type MakeForm } from './make-store.js';
import { startRun } from './run-control.js';
import { createRunStore } from './run-store.js';
import { createStartStore } from './start-store.js';

const full: RunEnd = { kind: 'failed', code: 'device/out-of-memory', message: 'no room' };

let orders: PictureOrder[];
let studio: Studio;
beforeEach(() => {
  orders = [];
  const paint = (order: PictureOrder): Promise<RunEnd> => {
    orders.push(order);
    return Promise.resolve(full);
  };
  studio = {
    make: createMakeStore({ getItem: () => null, setItem: () => undefined, removeItem: () => undefined }),
    run: createRunStore(),
    start: createStartStore(),
    models: createModelsStore({ getItem: () => null, setItem: () => undefined }),
    engine: { paint },
  } as unknown as Studio;
});

const form = (): MakeForm => studio.make.getState().form;

it('draws a seed for each run, and paints with one that it is given', async () => {
  await startRun(studio);
  await startRun(studio);
  const [first, second] = orders.map(({ seed }) => seed);
  expect(second).not.toBe(first);
  expect(form().seed).toBe(second);

  // What is done again after a failure: the same picture, and drawing goes on after it.
  await startRun(studio, { seed: form().seed, memory: 'low' });
  expect(orders[2]).toMatchObject({ seed: second, memory: 'low' });
  expect(form().seedMode).toBe('random');
  await startRun(studio);
  expect(orders[3]!.seed).not.toBe(second);
});

it('paints with the seed that is kept', async () => {
  studio.make.getState().change({ seed: 7, seedMode: 'keep' });
  await startRun(studio, { prompt: 'a cabin' });
  expect(orders).toMatchObject([{ seed: 7, prompt: 'a cabin' }]);
  expect(form().prompt).toBe('a cabin');
});

it('paints nothing while the chosen model is being looked for', async () => {
  const models = createModelsStore({ getItem: () => 'someone/landscapes', setItem: () => undefined });
  await startRun({ ...studio, models }, { prompt: 'a cabin' });
  expect(orders).toEqual([]);
  expect(studio.run.getState().phase.kind).toBe('idle');
});
