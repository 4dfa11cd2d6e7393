import { describeAdapter } from '@pleinair/tensor';
import { defaultTuningStore, isPleinairError, tuningResults, type Painter } from 'pleinair';
import type { Answer, BonnetEngine, PictureShape, TunerSheet } from './bonnet-protocol.js';
import type { ModelSpot } from '../models/studio-model.js';
import { failureOf } from './failure.js';
import type { OneAtATime } from './one-at-a-time.js';
import { spotKey } from './open-spot.js';
import type { PainterHolder } from './painter-holder.js';

/** What the bonnet needs of the engine. */
export interface BonnetMeans {
  readonly painters: PainterHolder;
  readonly work: OneAtATime;
}

/** The methods of the engine that the page Under the bonnet asks. */
export function bonnetEngine({ painters, work }: BonnetMeans): BonnetEngine {
  const asked = <T>(about: ModelSpot | undefined, body: (signal: AbortSignal) => Promise<T>): Promise<Answer<T>> =>
    work.start(about && spotKey(about), (signal) => answer(() => body(signal), painters)) ?? Promise.resolve(busy);
  const withPainter = <T>(
    { model, memory }: PictureShape,
    body: (painter: Painter, signal: AbortSignal) => Promise<T> | T,
  ): Promise<Answer<T>> => asked(model, async (signal) => body(await painters.get(model, memory, signal), signal));
  return {
    adapterSheet: () => answer(() => describeAdapter(), painters),

    memoryMap: (shape) => withPainter(shape, (painter) => painter.memoryMap(sizeOf(shape))),

    profile: (shape, parts, tell) =>
      withPainter(shape, (painter, signal) => {
        const known = painter.memoryMap(sizeOf(shape)).modes[0]!.parts.map(({ part }) => part);
        return painter.profile({ ...sizeOf(shape), parts: parts ?? known, signal, onProgress: (news) => tell(news) });
      }),

    tunerSheet: (shape) => withPainter(shape, sheetOf),

    tune: (shape, tell) =>
      withPainter(shape, async (painter, signal) => {
        await painter.tune({
          ...sizeOf(shape),
          signal,
          onProgress: ({ part, done, total, leftMs }) => tell({ part, phase: 'tuning', loaded: done, total, leftMs }),
        });
        return sheetOf(painter);
      }),

    clearTuning: () => asked(undefined, async () => (await defaultTuningStore()).clear()),

    compare: (order, tell) =>
      asked(order.model, async (signal) => {
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
