import { httpSource, type ModelSource } from '@pleinair/weights';
import { openModelStore } from '@pleinair/weights/browser';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fetchedCheckpointNames } from '../../../weights/test/fetched-checkpoint-names.js';
import { singleFileBlob } from '../../../weights/test/single-file.js';
import type { ConvertAnswer, ConvertTask } from '../../test/convert-worker.js';
import recorded from '../../test/converted-demo.json';
import { sha256ByPath } from '../../test/sha256-by-path.js';
import { convertModel } from './convert-model.js';

const config = new URL('/packages/demo-model/model', location.origin).href;
const demo: ModelSource = httpSource(config);
let file: Blob;
let folder: string;

beforeAll(async () => {
  const names = await fetchedCheckpointNames();
  file = await singleFileBlob(demo, names['demo-model'], 'F16');
});
beforeEach(() => void (folder = `test-${crypto.randomUUID()}`));
afterEach(async () => {
  const root = await navigator.storage.getDirectory();
  await root.removeEntry(folder, { recursive: true });
});

/** Names of the contents that are there. */
async function blobs(): Promise<string[]> {
  const root = await navigator.storage.getDirectory();
  const at = await (await root.getDirectoryHandle(folder)).getDirectoryHandle('blobs');
  const names: string[] = [];
  for await (const name of at.keys()) names.push(name);
  return names;
}

/** Converts in a worker until it ends or `until` says so. */
function inWorker(
  palettize: ConvertTask['palettize'],
  until?: (doneBytes: number, totalBytes: number, worker: Worker) => boolean,
): Promise<ConvertAnswer> {
  const worker = new Worker(new URL('../../test/convert-worker.ts', import.meta.url), { type: 'module' });
  return new Promise<ConvertAnswer>((resolve, reject) => {
    worker.addEventListener('message', ({ data }: MessageEvent<ConvertAnswer>) => {
      if (data.kind !== 'progress' || until?.(data.doneBytes, data.totalBytes, worker)) resolve(data);
    });
    worker.addEventListener('error', (event) => reject(new Error(event.message)));
    const task: ConvertTask = { folder, file, palettize, config };
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- to a worker, not to a window
    worker.postMessage(task);
  }).finally(() => worker.terminate());
}

describe('a single file into the storage of a browser', () => {
  it.each([
    ['plain', 16],
    ['palettized', 4],
  ] as const)('becomes the files that Node writes: %s', async (name, palettize) => {
    expect(await inWorker(palettize)).toEqual({ kind: 'done' });
    const store = await openModelStore({ folder });
    expect(await store.list()).toMatchObject([{ name: 'local/demo', state: 'complete' }]);
    expect(await sha256ByPath(await store.source('local/demo'))).toEqual(recorded[name]);
    expect((await blobs()).filter((each) => !/^[0-9a-f]{64}$/.test(each))).toEqual([]);
  });

  it('is not there at all when its worker is gone in the middle, and nothing is left', async () => {
    const half = (done: number, total: number): boolean => done > total / 2;
    expect(await inWorker(16, half)).toMatchObject({ kind: 'progress' });
    expect((await blobs()).length).toBeGreaterThan(0);
    // Locks are let go of a moment after their worker is gone.
    await expect.poll(async () => (await openModelStore({ folder }), blobs()), { timeout: 10_000 }).toEqual([]);
    expect(await (await openModelStore({ folder })).list()).toEqual([]);
  });

  it('is not there when it is cancelled, and nothing is left', async () => {
    const answer = await inWorker(4, (done, total, worker) => {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- to a worker, not to a window
      if (done > total / 4) worker.postMessage('cancel');
      return false;
    });
    expect(answer).toMatchObject({ kind: 'failed', code: 'cancelled' });
    expect(await blobs()).toEqual([]);
  });

  it('is refused where there is no room, before anything is written', async () => {
    const estimate = navigator.storage.estimate.bind(navigator.storage);
    navigator.storage.estimate = () => Promise.resolve({ usage: 1_000_000, quota: 9_000_000 });
    try {
      const store = await openModelStore({ folder });
      const sink = await store.sink('local/demo');
      const converting = convertModel(file, { sink, checkpoint: { config: demo } });
      await expect(converting).rejects.toMatchObject({ code: 'hub/no-room', freeBytes: 8_000_000 });
      await expect(converting).rejects.toHaveProperty('neededBytes', expect.closeTo(file.size, -7));
      expect(await blobs()).toEqual([]);
    } finally {
      navigator.storage.estimate = estimate;
    }
  });
});
