import { CancelledError } from '@pleinair/tensor';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cdp } from 'vitest/browser';
import { filler, neededBytes, neededFiles, otherFiles } from '../../test/hub-model.js';
import { HubInNode } from '@pleinair/testing/hub-in-node';
import type { DownloadProgress } from '../hub/download-meter.js';
import type { AddedFile } from './added-file.js';
import { openModelStore, type ModelStore, type ModelStoreOptions } from './model-store.js';

const unet = 'unet/diffusion_pytorch_model.fp16.safetensors';

let hub: HubInNode;
let folder: string;
let store: ModelStore;
const open = (options: ModelStoreOptions = {}) =>
  openModelStore({ endpoint: hub.endpoint, folder, retryDelayMs: 1, ...options });

beforeEach(async () => {
  hub = await HubInNode.start();
  folder = `test-${crypto.randomUUID()}`;
  store = await open();
  await hub.publish('some/model', { ...otherFiles, ...neededFiles });
});
afterEach(async () => {
  await hub.stop();
  const root = await navigator.storage.getDirectory();
  await root.removeEntry(folder, { recursive: true });
});

async function expectWhole(model = 'some/model', files: Readonly<Record<string, string | Uint8Array>> = neededFiles) {
  const source = await store.source(model);
  for (const [path, content] of Object.entries(files)) {
    const expected = typeof content === 'string' ? new TextEncoder().encode(content) : content;
    const got = await source.readRange(path, 0, expected.length);
    expect(await source.size(path)).toBe(expected.length);
    expect(
      got.every((byte, i) => byte === expected[i]),
      path,
    ).toBe(true);
  }
}
const failure = (promise: Promise<unknown>): Promise<Error & { code?: string }> =>
  promise.then(
    () => new Error('nothing failed'),
    (error: unknown) => error as Error,
  );
/** Sets the browser's quota for this origin; without one, it is again what it was. */
async function limitStorage(quotaSize?: number): Promise<void> {
  const session = cdp() as { send(method: string, parameters: object): Promise<unknown> };
  await session.send('Storage.overrideQuotaForOrigin', { origin: location.origin, quotaSize });
}
/** Names of the contents that are there. */
async function blobs(): Promise<string[]> {
  const root = await navigator.storage.getDirectory();
  const at = await (await root.getDirectoryHandle(folder)).getDirectoryHandle('blobs');
  const names: string[] = [];
  for await (const name of at.keys()) names.push(name);
  return names;
}

describe('models in the browser', () => {
  it('cost what the offer says, come whole, are listed, read and deleted', async () => {
    const offer = await store.offer('some/model');
    expect(offer).toMatchObject({ name: 'some/model', totalBytes: neededBytes, missingBytes: neededBytes, fits: true });
    expect(await store.list()).toEqual([]);
    const reports: DownloadProgress[] = [];
    const stored = await store.download('some/model', { onProgress: (report) => reports.push(report) });
    expect(stored).toMatchObject({
      name: 'some/model',
      commit: offer.commit,
      state: 'complete',
      loadedBytes: neededBytes,
    });
    expect(reports.at(-1)).toMatchObject({ loadedBytes: neededBytes, totalBytes: neededBytes, phase: 'downloading' });
    await expectWhole();
    expect((await store.source('some/model')).describe()).toBe('some/model');
    expect(await store.list()).toEqual([stored]);
    expect(await store.offer('some/model')).toMatchObject({ missingBytes: 0 });
    const { modelBytes, usedBytes, freeBytes } = await store.storage();
    expect(modelBytes).toBeGreaterThan(neededBytes - 1000);
    expect(usedBytes).toBeGreaterThanOrEqual(modelBytes);
    expect(freeBytes).toBeGreaterThan(0);
    expect(await store.delete('some/model')).toBe(modelBytes);
    expect(await store.list()).toEqual([]);
    expect(await blobs()).toEqual([]);
    expect(await failure(store.source('some/model'))).toMatchObject({ code: 'hub/not-cached' });
    expect(await failure(store.delete('some/model'))).toMatchObject({ code: 'hub/not-cached' });
  });

  it('need the Hub no more when they are here', async () => {
    await store.download('some/model');
    const { log } = await hub.seen();
    const later = await open();
    expect(await later.download('some/model')).toMatchObject({ state: 'complete' });
    await later.source('some/model');
    expect((await hub.seen()).log).toEqual(log);
  });

  it('are paused and gone on with', async () => {
    await hub.behave({ bytesPerSecond: 600_000 });
    const pause = new AbortController();
    const paused = store.download('some/model', {
      signal: pause.signal,
      onProgress: ({ loadedBytes }) => void (loadedBytes > 100_000 && pause.abort()),
    });
    expect(await failure(paused)).toBeInstanceOf(CancelledError);
    const [partial] = await store.list();
    expect(partial).toMatchObject({ state: 'partial', totalBytes: neededBytes });
    expect(partial!.loadedBytes).toBeGreaterThan(90_000);
    expect(await failure(store.source('some/model'))).toMatchObject({ code: 'hub/not-cached' });
    await hub.behave({ bytesPerSecond: 0 });
    expect(await store.download('some/model')).toMatchObject({ state: 'complete' });
    await expectWhole();
    expect((await hub.seen()).bytesSent).toBeLessThan(neededBytes * 1.3);
    expect((await blobs()).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('go on after their page was closed, and nothing half-done is ever given out', async () => {
    await hub.publish('big/model', { ...neededFiles, [unet]: filler(3_000_000, 3) });
    await hub.behave({ bytesPerSecond: 1_000_000 });
    const totalBytes = neededBytes - neededFiles[unet].length + 3_000_000;
    const address = new URL('/packages/weights/test/download-page.html', location.origin);
    address.search = new URLSearchParams({ endpoint: hub.endpoint, folder, model: 'big/model' }).toString();
    let reached = 0;
    for (const until of [300_000, 1_200_000, 2_400_000]) {
      const channel = new BroadcastChannel(folder);
      const page = window.open(address, '_blank')!;
      await new Promise<void>((resolve) => {
        channel.addEventListener('message', ({ data }: MessageEvent<DownloadProgress>) => {
          if (data.loadedBytes >= until) resolve();
        });
      });
      page.close();
      channel.close();
      const [partial] = await store.list();
      expect(partial).toMatchObject({ name: 'big/model', state: 'partial', totalBytes });
      expect(partial!.loadedBytes).toBeGreaterThan(reached);
      reached = partial!.loadedBytes;
      expect(await failure(store.source('big/model'))).toMatchObject({ code: 'hub/not-cached' });
    }
    await hub.behave({ bytesPerSecond: 0 });
    expect(await store.download('big/model')).toMatchObject({ state: 'complete', loadedBytes: totalBytes });
    await expectWhole('big/model', { ...neededFiles, [unet]: filler(3_000_000, 3) });
    // Each time, what had come was kept.
    expect((await hub.seen()).bytesSent).toBeLessThan(totalBytes * 1.5);
  });

  it('survive cuts, stalls and altered bytes', async () => {
    const options = { stallMs: 300, retries: 3 };
    store = await open(options);
    await hub.behave({ cutAfter: 100_000, cuts: 4, stalls: 1, corruptions: 1 });
    await store.download('some/model');
    await expectWhole();
  });

  it('that are always altered are an error, and nothing of it stays', async () => {
    await hub.behave({ corruptions: 100, only: unet });
    const error = await failure(store.download('some/model'));
    expect(error).toMatchObject({ code: 'hub/corrupt', name: 'HubError' });
    expect(await store.list()).toMatchObject([{ state: 'partial' }]);
    expect(await failure(store.source('some/model'))).toMatchObject({ code: 'hub/not-cached' });
  });

  it('are updated when asked, and only what changed comes', async () => {
    await store.download('some/model');
    const changed = { ...neededFiles, 'vae/config.json': '{"new":1}' };
    const commit = await hub.publish('some/model', changed);
    expect((await store.download('some/model')).commit).not.toBe(commit);
    const before = (await hub.seen()).bytesSent;
    expect(await store.update('some/model')).toMatchObject({ commit, state: 'complete' });
    // The new file, and the index by which the files are chosen.
    expect((await hub.seen()).bytesSent - before).toBeLessThan(2000);
    await expectWhole('some/model', changed);
    expect((await blobs()).length).toBe(new Set(Object.values(changed).map(String)).size);
  });

  it('share what is the same, until the last goes', async () => {
    await hub.publish('other/model', { ...neededFiles, 'vae/config.json': '{"other":1}' });
    await store.download('some/model');
    const { modelBytes } = await store.storage();
    await store.download('other/model');
    expect((await store.storage()).modelBytes - modelBytes).toBe('{"other":1}'.length);
    expect(await store.delete('other/model')).toBe('{"other":1}'.length);
    await expectWhole();
  });

  it('are downloaded once by two pages', async () => {
    await hub.behave({ bytesPerSecond: 1_000_000 });
    const phases = new Set<string>();
    const other = await open();
    const [first] = await Promise.all([
      store.download('some/model'),
      other.download('some/model', { onProgress: ({ phase }) => phases.add(phase) }),
    ]);
    expect(first.state).toBe('complete');
    await expectWhole();
    // Each asked for the index, by which files are chosen; all else came once.
    expect((await hub.seen()).bytesSent).toBe(neededBytes + 2 * neededFiles['model_index.json'].length);
  });

  it('are not deleted while they come', async () => {
    await hub.behave({ bytesPerSecond: 400_000 });
    const pause = new AbortController();
    let loaded = 0;
    const coming = failure(
      store.download('some/model', {
        signal: pause.signal,
        onProgress: ({ loadedBytes }) => void (loaded = loadedBytes),
      }),
    );
    await expect.poll(() => loaded, { timeout: 20_000 }).toBeGreaterThan(1000);
    expect(await failure(store.delete('some/model'))).toMatchObject({ code: 'hub/in-use' });
    pause.abort();
    expect(await coming).toBeInstanceOf(CancelledError);
    expect(await store.delete('some/model')).toBeGreaterThan(0);
    expect(await blobs()).toEqual([]);
  });

  it("may be of one's own: dropped files, or bytes made on the way", async () => {
    async function* converted(): AsyncIterable<Uint8Array> {
      for (let at = 0; at < 600_000; at += 50_000) yield neededFiles[unet].slice(at, at + 50_000);
    }
    const files = new Map<string, AddedFile>([
      ['model_index.json', new Blob([neededFiles['model_index.json']])],
      [unet, { size: 600_000, bytes: converted() }],
    ]);
    const kept = { 'model_index.json': neededFiles['model_index.json'], [unet]: neededFiles[unet] };
    const stored = await store.add('local/mine', files);
    const totalBytes = neededFiles['model_index.json'].length + 600_000;
    expect(stored).toMatchObject({ name: 'local/mine', state: 'complete', loadedBytes: totalBytes, totalBytes });
    await expectWhole('local/mine', kept);
    expect(await store.download('local/mine')).toEqual(stored);
    // What the Hub has too is not downloaded again.
    expect((await store.offer('some/model')).missingBytes).toBe(neededBytes - 600_000);
    expect((await hub.seen()).log.filter((line) => line.includes('local/mine'))).toEqual([]);
    expect(await failure(store.offer('local/other'))).toMatchObject({ code: 'hub/not-cached' });
    expect(await failure(store.add('some/model', files))).toMatchObject({ code: 'hub/name' });
    expect(await failure(store.add('local/x', new Map([['../x', new Blob()]])))).toMatchObject({
      code: 'weights/unsafe-path',
    });
    expect(await store.delete('local/mine')).toBe(totalBytes);
    expect(await blobs()).toEqual([]);
  });

  it("of one's own that were broken off leave nothing", async () => {
    async function* torn(): AsyncIterable<Uint8Array> {
      yield new Uint8Array(1000);
      throw new Error('the disk was pulled out');
    }
    const first: [string, AddedFile] = ['a.json', new Blob(['{}'])];
    const broken = store.add('local/mine', new Map([first, ['b', { size: 5000, bytes: torn() }]]));
    expect((await failure(broken)).message).toMatch(/b: .*the disk was pulled out/);
    const short = store.add('local/mine', new Map([first, ['b', { size: 5000, bytes: neverEnough() }]]));
    expect(await failure(short)).toMatchObject({ code: 'weights/truncated' });
    expect(await store.list()).toEqual([]);
    expect(await blobs()).toEqual([]);
    async function* neverEnough(): AsyncIterable<Uint8Array> {
      yield new Uint8Array(10);
    }
  });

  it('that do not fit are refused before anything comes', async () => {
    const estimate = navigator.storage.estimate.bind(navigator.storage);
    navigator.storage.estimate = () => Promise.resolve({ usage: 1000, quota: 500_000 });
    try {
      expect(await store.offer('some/model')).toMatchObject({ fits: false });
      const error = await failure(store.download('some/model'));
      expect(error).toMatchObject({ code: 'hub/no-room' });
      expect(error.message).toMatch(/expected 0\.8 MB of room, got 0\.5 MB that the browser grants/);
      expect(await store.list()).toEqual([]);
    } finally {
      navigator.storage.estimate = estimate;
    }
  });

  it('that fill the storage in mid-download say how much is missing, keep what came, and go on from there', async () => {
    await hub.publish('big/model', { ...neededFiles, [unet]: filler(3_000_000, 3) });
    const totalBytes = neededBytes - neededFiles[unet].length + 3_000_000;
    // The browser's own quota, which refuses the write itself: before it, Chromium estimates that there is room.
    const { usedBytes } = await store.storage();
    await limitStorage(usedBytes + totalBytes / 2);
    let kept: number;
    try {
      expect(await store.offer('big/model')).toMatchObject({ fits: true });
      const error = await failure(store.download('big/model'));
      expect(error).toMatchObject({ code: 'hub/no-room', name: 'HubError' });
      const [partial] = await store.list();
      kept = partial!.loadedBytes;
      const missing = ((totalBytes - kept) / 1e6).toFixed(1);
      expect(error.message).toMatch(new RegExp(`^big/model: ${unet}: expected room for the ${missing} MB`));
      expect(partial).toMatchObject({ state: 'partial', totalBytes });
      // All there was room for, but for a piece.
      expect(kept).toBeGreaterThan(totalBytes / 2 - 200_000);
      expect(await failure(store.download('big/model'))).toMatchObject({ code: 'hub/no-room' });
      expect((await store.list())[0]!.loadedBytes).toBeGreaterThanOrEqual(kept);
      await expect(store.source('big/model')).rejects.toMatchObject({ code: 'hub/not-cached' });
    } finally {
      await limitStorage();
    }
    kept = (await store.list())[0]!.loadedBytes;
    const before = await hub.seen();
    expect(await store.download('big/model')).toMatchObject({ state: 'complete', loadedBytes: totalBytes });
    await expectWhole('big/model', { ...neededFiles, [unet]: filler(3_000_000, 3) });
    const after = await hub.seen();
    // The index, by which files are chosen, and what was missing.
    expect(after.bytesSent - before.bytesSent).toBeLessThanOrEqual(totalBytes - kept + 2000);
    const ranges = after.log.slice(before.log.length).filter((line) => line.includes(unet) && line.includes('bytes='));
    // The Hub is asked, and the place it names: from where the file was left.
    expect(ranges.length).toBeGreaterThan(0);
    for (const line of ranges) expect(line).toMatch(/bytes=[1-9]\d*-/);
  });

  it('that cannot be had say why', async () => {
    expect(await failure(store.download('no/such'))).toMatchObject({ code: 'hub/not-found' });
    expect(await failure(store.offer('some/model@v9'))).toMatchObject({ code: 'hub/revision' });
    await hub.publish('gated/model', neededFiles, { gated: true });
    const error = await failure(store.download('gated/model'));
    expect(error).toMatchObject({ code: 'hub/gated' });
    expect(error.message).toContain(`${hub.endpoint}/gated/model`);
  });
});
