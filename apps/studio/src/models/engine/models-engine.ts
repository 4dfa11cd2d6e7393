import { describeAdapter, type DeviceProfile } from '@pleinair/tensor';
import type { ModelStore, ModelStoreOptions } from '@pleinair/weights/browser';
import { describeModel, isPleinairError, openPlace, type DownloadProgress, type ModelSource } from 'pleinair';
import { convertModel, modelNeeds, type ModelNeeds } from 'pleinair/models';
import { failureOf } from '../../engine/failure.js';
import { openSpot } from '../../engine/open-spot.js';
import type { Failure } from '../../engine/protocol.js';
import type { JobEnd, JobProgress, LookSpot, ModelsEngine } from './protocol.js';

/** Makes the engine that lives in the models' worker. */
export function createModelsEngine(): ModelsEngine {
  const jobs = new Map<string, AbortController>();
  let profile: Promise<DeviceProfile | undefined> | undefined;
  const adapter = (): Promise<DeviceProfile | undefined> =>
    (profile ??= describeAdapter().then(
      (found) => found.profile,
      () => (profile = undefined), // the next that asks looks again: it may be switched on, or come back
    ));

  /** Does something that `stop` stops, under a name. */
  async function job(name: string, body: (signal: AbortSignal) => Promise<JobEnd>): Promise<JobEnd> {
    jobs.get(name)?.abort();
    const stop = new AbortController();
    jobs.set(name, stop);
    try {
      return await body(stop.signal);
    } catch (error) {
      return isPleinairError(error) && error.code === 'cancelled' ? { kind: 'cancelled' } : failureOf(error);
    } finally {
      if (jobs.get(name) === stop) jobs.delete(name);
    }
  }

  return {
    list: () =>
      orFailure(async () => {
        const models = await (await openStore()).list();
        return models.map(({ name, state, loadedBytes, totalBytes }) => ({ name, state, loadedBytes, totalBytes }));
      }),

    storage: () => orFailure(async () => (await openStore()).storage()),

    describe: (name) =>
      orFailure(async () => {
        const source = await openSpot({ kind: 'stored', name });
        const { width, height, steps, guidance } = (await describeModel(source)).defaults;
        const needs = on(await adapter(), await modelNeeds(source, { profile: await adapter() }));
        return { kind: 'details', needs, defaults: { width, height, steps, guidance } };
      }),

    offer: (name, access) =>
      orFailure(async () => {
        const store = await openStore(access);
        const { totalBytes, missingBytes, files, fits, ...offer } = await store.offer(name.trim());
        return { kind: 'offer', name: offer.name, totalBytes, missingBytes, fits, files: files.length };
      }),

    needs: (spot, bits) =>
      orFailure(async () => {
        // Files are converted on their way in; what is on the Hub comes as it is.
        const how = spot.kind === 'hub' ? {} : ({ palettize: bits, dtype: 'f16' } as const);
        return on(await adapter(), await modelNeeds(await look(spot), { profile: await adapter(), ...how }));
      }),

    download: (name, access, tell) =>
      job(name, async (signal) => {
        const store = await openStore(access);
        await store.download(name, { signal, onProgress: (progress) => tell(progressOf(progress)) });
        return { kind: 'done', name };
      }),

    convert: ({ spot, name, bits }, tell) =>
      job(name, async (signal) => {
        const store = await openStore();
        const source = await openSpot(spot, signal);
        const heard = throttled(tell);
        await convertModel(source, {
          sink: await store.sink(name),
          // What is loaded is stored as halves anyway.
          dtype: 'f16',
          palettize: bits,
          signal,
          onProgress: ({ phase, doneBytes, totalBytes, leftMs }) =>
            heard({
              phase: phase === 'checking' ? 'checking' : 'moving',
              doneBytes,
              totalBytes,
              bytesPerSecond: 0,
              leftMs,
            }),
        });
        return { kind: 'done', name };
      }),

    stop: (name) => jobs.get(name)?.abort(),

    remove: (name) => orFailure(async () => (await openStore()).delete(name)),
  };
}

/** Without an adapter, nothing runs; what a model would need is told all the same. */
function on(profile: DeviceProfile | undefined, needs: ModelNeeds): ModelNeeds {
  if (profile) return needs;
  return { ...needs, verdict: 'cannot-run', reason: 'This browser gives Studio no GPU.', code: 'device/no-adapter' };
}

/** Others import it only when they need it; so does this. */
async function openStore(access?: ModelStoreOptions): Promise<ModelStore> {
  const { openModelStore } = await import('@pleinair/weights/browser');
  return openModelStore(access);
}

function look(spot: LookSpot): Promise<ModelSource> {
  return spot.kind === 'hub' ? openPlace(spot.name, { hub: { ...spot.access, download: 'none' } }) : openSpot(spot);
}

async function orFailure<T>(body: () => Promise<T>): Promise<T | Failure> {
  try {
    return await body();
  } catch (error) {
    return failureOf(error);
  }
}

function progressOf({ phase, loadedBytes, totalBytes, bytesPerSecond, leftMs }: DownloadProgress): JobProgress {
  return {
    phase: phase === 'listing' ? 'checking' : phase === 'waiting' ? 'waiting' : 'moving',
    doneBytes: loadedBytes,
    totalBytes,
    bytesPerSecond,
    leftMs,
  };
}

const everyMs = 100;

/** No more news than a screen can show; the last piece is always told. */
function throttled(tell: (progress: JobProgress) => unknown): (progress: JobProgress) => void {
  let told = -Infinity;
  return (progress) => {
    const now = performance.now();
    if (now - told < everyMs && progress.doneBytes < progress.totalBytes) return;
    told = now;
    tell(progress);
  };
}
