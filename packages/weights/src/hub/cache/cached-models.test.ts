import { mkdtemp, readFile, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HubServer } from '@pleinair/testing/hub';
import { CancelledError } from '@pleinair/tensor';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { neededBytes, neededFiles } from '../../../test/hub-model.js';
import { listCachedModels, removeCachedModel, verifyCachedModel } from './cached-models.js';
import { downloadModel, type HubDownloadOptions } from './download-model.js';

const server = new HubServer();
let folder: string;
let cacheFolder: string;
let count = 0;
const changed = { ...neededFiles, 'vae/config.json': '{"changed":1}' };

beforeAll(async () => {
  await server.start();
  folder = await mkdtemp(join(tmpdir(), 'pleinair-cached-'));
  server.publish('some/model', neededFiles);
  server.publish('some/model', changed, { branch: 'v2' });
  server.publish('other/model', neededFiles);
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  cacheFolder = join(folder, String(count++));
});
const download = (model: string, options: HubDownloadOptions = {}) =>
  downloadModel(model, { endpoint: server.endpoint, cacheFolder, token: '', offline: false, ...options });
const there = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

describe('the list of cached models', () => {
  it('is empty where there is no cache', async () => {
    expect(await listCachedModels({ cacheFolder })).toEqual([]);
  });

  it('tells sizes, revisions and what is not whole', async () => {
    const first = await download('some/model');
    const second = await download('some/model@v2');
    await download('other/model');
    const unet = join(second.folder, 'unet/config.json');
    await rm(unet);
    const [other, some, ...rest] = await listCachedModels({ cacheFolder });
    expect(rest).toEqual([]);
    expect(other).toMatchObject({ repo: 'other/model', partialBytes: 0 });
    expect(other!.revisions).toEqual([
      {
        commit: expect.any(String),
        refs: ['main'],
        folder: expect.any(String),
        files: 12,
        bytes: neededBytes,
        state: 'complete',
      },
    ]);
    expect(some!.revisions.map(({ commit, refs, state }) => [commit, refs, state])).toEqual(
      [
        [first.commit, ['main'], 'complete'],
        [second.commit, ['v2'], 'incomplete'],
      ].toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
    );
    // Contents that revisions share lie there once.
    expect(some!.bytes).toBeLessThan(neededBytes * 1.1);
  });

  it('knows what a broken-off download has left', async () => {
    server.habits.bytesPerSecond = 1_000_000;
    const cut = new AbortController();
    const broken = download('some/model', {
      signal: cut.signal,
      onProgress: ({ loadedBytes }) => void (loadedBytes > 100_000 && cut.abort()),
    });
    await expect(broken).rejects.toBeInstanceOf(CancelledError);
    server.habits.bytesPerSecond = 0;
    const [some] = await listCachedModels({ cacheFolder });
    expect(some!.partialBytes).toBeGreaterThan(0);
    expect(some!.bytes).toBeGreaterThanOrEqual(some!.partialBytes);
  });
});

describe('removing', () => {
  it('takes a model away whole', async () => {
    const { folder: snapshot } = await download('some/model');
    await download('other/model');
    expect((await removeCachedModel('some/model', { cacheFolder })).freedBytes).toBeGreaterThan(neededBytes);
    expect(await there(snapshot)).toBe(false);
    expect((await listCachedModels({ cacheFolder })).map(({ repo }) => repo)).toEqual(['other/model']);
  });

  it('takes one revision away, and leaves what others share', async () => {
    const first = await download('some/model');
    const second = await download('some/model@v2');
    const { freedBytes } = await removeCachedModel('some/model@v2', { cacheFolder });
    expect(freedBytes).toBeGreaterThanOrEqual(changed['vae/config.json'].length);
    expect(freedBytes).toBeLessThan(20_000);
    expect(await there(second.folder)).toBe(false);
    expect(await readFile(join(first.folder, 'vae/config.json'), 'utf8')).toBe(neededFiles['vae/config.json']);
    expect((await verifyCachedModel('some/model', { cacheFolder })).corrupt).toEqual([]);
    await removeCachedModel('some/model@main', { cacheFolder });
    expect(await listCachedModels({ cacheFolder })).toEqual([]);
  });

  it('refuses what is not there, or under way', async () => {
    await expect(removeCachedModel('no/such', { cacheFolder })).rejects.toMatchObject({ code: 'hub/not-cached' });
    await download('some/model');
    await expect(removeCachedModel('some/model@v9', { cacheFolder })).rejects.toMatchObject({ code: 'hub/not-cached' });
    server.habits.bytesPerSecond = 500_000;
    const cut = new AbortController();
    let loaded = 0;
    const busy = download('other/model', {
      signal: cut.signal,
      onProgress: ({ loadedBytes }) => void (loaded = loadedBytes),
    }).catch(() => undefined);
    await expect.poll(() => loaded).toBeGreaterThan(10_000);
    await expect(removeCachedModel('other/model', { cacheFolder })).rejects.toMatchObject({ code: 'hub/in-use' });
    cut.abort();
    await busy;
    server.habits.bytesPerSecond = 0;
  });
});

describe('verifying', () => {
  it('finds a wrong byte, and the next load mends it', async () => {
    const { folder: snapshot } = await download('some/model');
    const path = join(snapshot, 'unet/diffusion_pytorch_model.fp16.safetensors');
    const bytes = await readFile(path);
    bytes[1000]! ^= 1;
    await writeFile(await realpath(path), bytes);
    let last: readonly number[] = [];
    const found = await verifyCachedModel('some/model', { cacheFolder, onProgress: (...how) => (last = how) });
    expect(found.corrupt).toHaveLength(1);
    expect(found.corrupt[0]).toMatch(/^snapshots.+unet.diffusion_pytorch_model\.fp16\.safetensors$/);
    expect(last[0]).toBe(last[1]);
    expect((await download('some/model')).downloadedBytes).toBe(bytes.length);
    expect(await verifyCachedModel('some/model', { cacheFolder })).toMatchObject({
      corrupt: [],
      bytes: neededBytes - dupes,
    });
    await expect(verifyCachedModel('no/such', { cacheFolder })).rejects.toMatchObject({ code: 'hub/not-cached' });
  });

  it('is not led astray by a link to nowhere', async () => {
    const { folder: snapshot } = await download('some/model');
    await symlink('../../blobs/none', join(snapshot, 'dangling'));
    expect((await verifyCachedModel('some/model', { cacheFolder })).corrupt).toEqual([]);
    expect((await listCachedModels({ cacheFolder }))[0]!.revisions[0]!.files).toBe(12);
  });
});

/** Bytes of needed files that are the same as another's. */
const dupes =
  neededBytes - [...new Set(Object.values(neededFiles).map(String))].reduce((sum, text) => sum + lengthOf(text), 0);
function lengthOf(text: string): number {
  return Object.values(neededFiles).find((each) => String(each) === text)!.length;
}
