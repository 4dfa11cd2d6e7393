import { describeAdapter } from '@pleinair/tensor';
import { defaultTuningStore, isPleinairError, tuningResults, type Painter } from 'pleinair';
import type { Answer, BonnetEngine, PictureShape, TunerSheet } from './bonnet-protocol.js';
import { failureOf } from './failure.js';
import type { PainterHolder } from './painter-holder.js';

/** What the bonnet needs of the engine. */
export interface BonnetMeans {
  readonly painters: PainterHolder;
  /** Does one thing at a time; `undefined` where another is under way. */
  readonly alone: <T>(body: (signal: AbortSignal) => Promise<T>) => Promise<T> | undefined;
}

/** The methods of the engine that the page Under the bonnet asks. */
export function bonnetEngine({ painters, alone }: BonnetMeans): BonnetEngine {
  const asked = <T>(body: (signal: AbortSignal) => Promise<T>): Promise<Answer<T>> =>
    alone((signal) => answer(() => body(signal), painters)) ?? Promise.resolve(busy);
  const painterOf = ({ model, memory }: PictureShape, signal: AbortSignal): Promise<Painter> =>
    painters.get(model, memory, signal);
  return {
    adapterSheet: () => answer(() => describeAdapter(), painters),

    memoryMap: (shape) => asked(async (signal) => (await painterOf(shape, signal)).memoryMap(sizeOf(shape))),

    profile: (shape, parts, tell) =>
      asked(async (signal) => {
        const painter = await painterOf(shape, signal);
        const known = painter.memoryMap(sizeOf(shape)).modes[0]!.parts.map(({ part }) => part);
        return painter.profile({ ...sizeOf(shape), parts: parts ?? known, signal, onProgress: (news) => tell(news) });
      }),

    tunerSheet: (shape) => asked(async (signal) => sheetOf(await painterOf(shape, signal))),

    tune: (shape, tell) =>
      asked(async (signal) => {
        const painter = await painterOf(shape, signal);
        await painter.tune({
          ...sizeOf(shape),
          signal,
          onProgress: ({ part, done, total, leftMs }) => tell({ part, phase: 'tuning', loaded: done, total, leftMs }),
        });
        return sheetOf(painter);
      }),

    clearTuning: () => asked(async () => (await defaultTuningStore()).clear()),

    compare: (order, tell) =>
      asked(async (signal) => {
        const { compareWeights } = await import('./compare-weights.js');
        painters.release(); // both may not fit
        return compareWeights(order, tell, signal);
      }),
  };
}

const busy: Answer<never> = {
  kind: 'failed',
  code: 'program/busy',
  message: 'The engine is at something else. Wait for it, or cancel it.',
};

async function answer<T>(body: () => Promise<T>, painters: PainterHolder): Promise<Answer<T>> {
  try {
    return { kind: 'answer', value: await body() };
  } catch (error) {
    if (isPleinairError(error) && error.code === 'cancelled') return { kind: 'cancelled' };
    const failure = failureOf(error);
    if (failure.code.startsWith('device/')) painters.release();
    return failure;
  }
}

function sizeOf({ width, height, steps, guidance }: PictureShape) {
  return { width, height, steps, guidance };
}

async function sheetOf({ device }: Painter): Promise<TunerSheet> {
  const store = await defaultTuningStore();
  return { place: store.place, results: await tuningResults(device, store) };
}
