import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { MadePicture, PictureOrder, RunEnd, RunNews } from '../engine/protocol.js';
import { createModelsStore } from '../models/models-store.js';
import type { Studio } from '../studio.js';
import { createMakeStore, type MakeForm } from './make-store.js';
import { startRun, tryAgain } from './run-control.js';
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
  await tryAgain(studio, { memory: 'low' });
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

describe('trying again', () => {
  afterEach(() => vi.unstubAllGlobals());

  /** Orders of runs that make so many pictures before they fail. */
  async function runs(pictures: readonly number[], between: () => void = () => undefined): Promise<PictureOrder[]> {
    const seen: PictureOrder[] = [];
    const paint = (order: PictureOrder, tell: (news: RunNews) => void): Promise<RunEnd> => {
      const made = pictures[seen.length]!;
      seen.push(order);
      for (let i = 0; i < made; i++) {
        tell({ kind: 'step', picture: i, step: 1, steps: 1, stepsPerSecond: 1 });
        tell({ kind: 'picture', made: {} as MadePicture });
      }
      return Promise.resolve(full);
    };
    vi.stubGlobal('navigator', {});
    const keep = (): Promise<{ id: string }> => Promise.resolve({ id: crypto.randomUUID() });
    studio = { ...studio, engine: { paint }, shelf: { keep } } as unknown as Studio;
    studio.make.getState().change({ seed: 7, seedMode: 'keep', count: 5 });
    await startRun(studio);
    for (let i = 1; i < pictures.length; i++) {
      between();
      await tryAgain(studio);
    }
    return seen;
  }

  it('paints the pictures that are missing, with the seeds that they would have had', async () => {
    expect(await runs([2, 1, 2])).toMatchObject([
      { seed: 7, count: 5 },
      { seed: 9, count: 3 },
      { seed: 10, count: 2 },
    ]);
    expect(studio.run.getState().made).toHaveLength(5);
    expect(form()).toMatchObject({ seed: 7, count: 5 });
  });

  it('counts on from those that are there', async () => {
    const shown: unknown[] = [];
    studio.run.subscribe(({ phase }) => phase.kind === 'painting' && shown.push([phase.picture, phase.count]));
    await runs([2, 1]);
    expect(new Set(shown.map(String))).toEqual(new Set(['0,5', '1,5', '2,5']));
  });

  it('paints all where other pictures are asked for by then, and fewer or more where that is so', async () => {
    const change = (changes: Partial<MakeForm>) => () => studio.make.getState().change(changes);
    expect((await runs([2, 0], change({ width: 64 })))[1]).toMatchObject({ seed: 7, count: 5, width: 64 });
    expect((await runs([2, 0], change({ memory: 'low', preview: 'off', count: 4 })))[1]).toMatchObject({
      seed: 9,
      count: 2,
    });
    const image = { blob: new Blob(['a picture']), name: 'a.png', width: 8, height: 8 };
    expect((await runs([2, 0], () => studio.start.getState().begin(image)))[1]).toMatchObject({ seed: 7 });
    // The same picture to begin with.
    expect((await runs([2, 0]))[1]).toMatchObject({ seed: 9, start: { image: image.blob } });
  });
});
