import { mkdtemp, mkdir, readdir, readFile, readlink, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { HubServer } from '@pleinair/testing/hub';
import { CancelledError, isPleinairError } from '@pleinair/tensor';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { neededBytes, neededFiles, otherFiles } from '../../../test/hub-model.js';
import type { DownloadProgress } from '../download-meter.js';
import { downloadModel, type HubDownloadOptions } from './download-model.js';
import { PartialFile } from './partial-file.js';
import { hubSource } from './hub-source.js';

const unet = 'unet/diffusion_pytorch_model.fp16.safetensors';
const unetBytes: Uint8Array = neededFiles[unet];

let server: HubServer;
let cacheFolder: string;
let commit: string;

beforeEach(async () => {
  server = new HubServer();
  await server.start();
  commit = server.publish('some/model', { ...otherFiles, ...neededFiles }).sha;
  cacheFolder = await mkdtemp(join(tmpdir(), 'pleinair-hub-'));
});
afterEach(async () => {
  await server.stop();
  await rm(cacheFolder, { recursive: true });
});

const download = (model = 'some/model', options: HubDownloadOptions = {}) =>
  downloadModel(model, {
    endpoint: server.endpoint,
    cacheFolder,
    token: '',
    offline: false,
    retryDelayMs: 1,
    ...options,
  });
const failure = (promise: Promise<unknown>): Promise<Error & { code?: string }> =>
  promise.then(
    () => new Error('nothing failed'),
    (error: unknown) => error as Error,
  );
const repoFolder = (...names: string[]) => join(cacheFolder, 'models--some--model', ...names);
const blobNames = () => readdir(repoFolder('blobs'));
const partials = async () => (await blobNames()).filter((name) => name.endsWith('.incomplete'));
const fileRequests = () => server.log.filter((line) => line.includes('/resolve'));

async function expectWhole(folder: string, files: Readonly<Record<string, string | Uint8Array>> = neededFiles) {
  for (const [path, content] of Object.entries(files)) {
    expect(Buffer.compare(await readFile(join(folder, path)), Buffer.from(content as Uint8Array)), path).toBe(0);
  }
}

describe('a download', () => {
  it('brings what is needed into the standard layout', async () => {
    const model = await download();
    expect(model).toMatchObject({
      name: 'some/model',
      commit,
      bytes: neededBytes,
      downloadedBytes: neededBytes,
      notes: [],
    });
    expect(model.folder).toBe(repoFolder('snapshots', commit));
    expect([...model.files].toSorted()).toEqual(Object.keys(neededFiles).toSorted());
    await expectWhole(model.folder);
    expect(await readFile(repoFolder('refs', 'main'), 'utf8')).toBe(commit);
    const { tree } = server.repos.get('some/model')!.commits.get(commit)!;
    const hashes = tree.filter(({ path }) => path in neededFiles).map(({ lfs, oid }) => lfs?.oid ?? oid);
    expect((await blobNames()).toSorted()).toEqual([...new Set(hashes)].toSorted());
    const link = await readlink(join(model.folder, unet));
    expect(link).toBe(`../../../blobs/${tree.find(({ path }) => path === unet)!.lfs!.oid}`);
    const present = await readdir(model.folder, { recursive: true });
    for (const path of Object.keys(otherFiles)) expect(present).not.toContain(path);
  });

  it('asks for the commit once more, and for nothing else, when all is there', async () => {
    await download();
    server.log.length = 0;
    expect((await download()).downloadedBytes).toBe(0);
    expect(server.log).toEqual(['GET /api/models/some/model/revision/main']);
    server.log.length = 0;
    await download(`some/model@${commit}`);
    expect(server.log).toEqual([]);
  });

  it('goes through all pages of the listing', async () => {
    server.habits.pageSize = 3;
    await expectWhole((await download()).folder);
    expect(server.log.filter((line) => line.includes('/tree/')).length).toBeGreaterThan(5);
  });

  it('takes a newer commit, and of it only what changed', async () => {
    await download();
    const changed = { ...neededFiles, 'vae/config.json': '{"new":1}' };
    const newer = server.publish('some/model', changed);
    const model = await download();
    expect(model).toMatchObject({ commit: newer.sha, downloadedBytes: changed['vae/config.json'].length });
    await expectWhole(model.folder, changed);
    await expectWhole((await download(`some/model@${commit}`)).folder);
  });

  it('takes a branch, a tag, and one file by its name', async () => {
    const half = server.publish('some/model', { ...neededFiles, 'unet/config.json': '{}' }, { branch: 'refs/pr/1' });
    expect(await download('some/model@refs/pr/1')).toMatchObject({ commit: half.sha, name: 'some/model@refs/pr/1' });
    expect(await readFile(repoFolder('refs', 'refs', 'pr', '1'), 'utf8')).toBe(half.sha);
    server.publish('one/file', { 'deep/it.safetensors': unetBytes, 'other.safetensors': 'x' });
    const one = await download('one/file/deep/it.safetensors');
    expect(one.files).toEqual(['deep/it.safetensors']);
    await expectWhole(one.folder, { 'deep/it.safetensors': unetBytes });
    const error = await failure(download('one/file/no.safetensors'));
    expect(error).toMatchObject({ code: 'hub/not-found' });
    expect(error.message).toContain('There are deep/it.safetensors, other.safetensors.');
  });

  it('takes full precision where it is asked for, whatever is there', async () => {
    await download();
    const model = await download('some/model', { prefer: 'full' });
    expect(model.files).toContain('unet/diffusion_pytorch_model.safetensors');
    expect(model.files).not.toContain(unet);
    expect((await download()).files).toContain(unet);
  });

  it('tells how far it is', async () => {
    server.habits.bytesPerSecond = 4_000_000;
    const reports: DownloadProgress[] = [];
    await download('some/model', { onProgress: (report) => reports.push(report) });
    expect(reports[0]).toMatchObject({ phase: 'listing', model: 'some/model' });
    const last = reports.at(-1)!;
    expect(last).toMatchObject({ phase: 'downloading', loadedBytes: neededBytes, totalBytes: neededBytes, leftMs: 0 });
    expect(last.loadedFiles).toBe(Object.keys(neededFiles).length);
    const loaded = reports.map(({ loadedBytes }) => loadedBytes);
    expect(loaded.toSorted((a, b) => a - b)).toEqual(loaded);
    expect(reports.some(({ leftMs, bytesPerSecond }) => leftMs! > 0 && bytesPerSecond > 0)).toBe(true);
  });

  it('is a source that models are read from', async () => {
    const source = await hubSource('some/model', { endpoint: server.endpoint, cacheFolder, token: '', offline: false });
    expect(source.describe()).toBe('some/model');
    expect(await source.readJson('unet/config.json')).toEqual({ e: 5 });
    expect(await source.readRange(unet, 7, 9)).toEqual(unetBytes.slice(7, 9));
  });
});

describe('a bad connection', () => {
  it('is gone on with where it was cut', async () => {
    Object.assign(server.habits, { cutAfter: 100_000, cuts: 5, only: 'unet/' });
    const model = await download('some/model', { retries: 1 });
    await expectWhole(model.folder);
    expect(model.downloadedBytes).toBe(neededBytes);
    const asked = server.log.filter((line) => line.includes('/resolve/') && line.includes(unet));
    const starts = asked.map((line) => Number(/bytes=(\d+)-/.exec(line)?.[1]));
    expect(starts).toHaveLength(6);
    expect(new Set(starts).size).toBe(6);
    expect(starts.toSorted((a, b) => a - b)).toEqual(starts);
  });

  it('that stalls, or is refused for a while, is tried again', async () => {
    server.habits.stalls = 3;
    server.habits.failures = [
      { status: 503 },
      { status: 429, headers: { 'Retry-After': '0' } },
      { status: 500, on: unet },
    ];
    await expectWhole((await download('some/model', { stallMs: 100 })).folder);
  });

  it('that does not know ranges works as well', async () => {
    Object.assign(server.habits, { ignoreRanges: true, cutAfter: 200_000, cuts: 2, only: 'unet/' });
    await expectWhole((await download()).folder);
  });

  it('that is down for good is an error, and what came stays for the next run', async () => {
    Object.assign(server.habits, { cutAfter: 300_000, cuts: 1, only: unet });
    server.habits.failures = Array.from({ length: 40 }, () => ({ status: 503, on: 'never' }));
    const broken = download('some/model', {
      retries: 1,
      fetch: async (input, init) => {
        const range = new Headers(init?.headers).get('Range');
        if (input instanceof URL && input.href.includes(unet) && range !== 'bytes=0-')
          throw new TypeError('fetch failed');
        return fetch(input, init);
      },
    });
    expect(await failure(broken)).toMatchObject({ code: 'weights/network' });
    expect(await partials()).toHaveLength(1);
    const model = await download();
    await expectWhole(model.folder);
    expect(model.downloadedBytes).toBeLessThanOrEqual(neededBytes - 300_000);
    expect(await partials()).toEqual([]);
  });

  it('that alters bytes is found out, and the file asked for anew', async () => {
    Object.assign(server.habits, { corruptions: 1, only: unet });
    const model = await download();
    await expectWhole(model.folder);
    expect(model.downloadedBytes).toBe(neededBytes + unetBytes.length);
  });

  it.each([unet, 'unet/config.json'])('that always alters %s is an error, and nothing of it is kept', async (path) => {
    Object.assign(server.habits, { corruptions: 100, only: path });
    const error = await failure(download());
    expect(error).toMatchObject({ code: 'hub/corrupt' });
    expect(error.message).toMatch(/Nothing of it was kept/);
    expect(await stat(join(repoFolder('snapshots', commit), path)).catch(() => 'none')).toBe('none');
    server.habits.corruptions = 0;
    await expectWhole((await download()).folder);
  });

  it('bytes that went wrong on the disk are found out too', async () => {
    const cut = new AbortController();
    server.habits.bytesPerSecond = 2_000_000;
    const onProgress = ({ loadedBytes }: DownloadProgress) => void (loadedBytes > 500_000 && cut.abort());
    expect(await failure(download('some/model', { signal: cut.signal, onProgress }))).toBeInstanceOf(CancelledError);
    const [name] = await partials();
    const partial = await readFile(repoFolder('blobs', name!));
    partial[partial.length >> 1]! ^= 1;
    await writeFile(repoFolder('blobs', name!), partial);
    await utimes(repoFolder('blobs', name!), 0, 0);
    server.habits.bytesPerSecond = 0;
    await expectWhole((await download()).folder);
  });

  it('a cancel ends it soon, and a later call goes on from there', async () => {
    server.habits.bytesPerSecond = 500_000;
    const cut = new AbortController();
    const began = performance.now();
    setTimeout(() => cut.abort(), 300);
    expect(await failure(download('some/model', { signal: cut.signal }))).toBeInstanceOf(CancelledError);
    expect(performance.now() - began).toBeLessThan(2000);
    server.habits.bytesPerSecond = 0;
    const model = await download();
    await expectWhole(model.folder);
    expect(model.downloadedBytes).toBeLessThan(neededBytes);
  });
});

describe('several at once', () => {
  it('download each file once', async () => {
    server.habits.bytesPerSecond = 3_000_000;
    const phases = new Set<string>();
    const models = await Promise.all(
      [1, 2, 3].map(() => download('some/model', { onProgress: ({ phase }) => phases.add(phase) })),
    );
    for (const { folder } of models) await expectWhole(folder);
    expect(models.reduce((sum, { downloadedBytes }) => sum + downloadedBytes, 0)).toBe(neededBytes);
    expect(await partials()).toEqual([]);
  });

  it('go on when the one that was first stops', async () => {
    server.habits.bytesPerSecond = 1_000_000;
    const cut = new AbortController();
    const first = failure(download('some/model', { signal: cut.signal }));
    await new Promise((resolve) => setTimeout(resolve, 150));
    const second = download();
    setTimeout(() => cut.abort(), 300);
    expect(await first).toBeInstanceOf(CancelledError);
    await expectWhole((await second).folder);
  });

  it('what is left of a blob that is whole meanwhile is cleared away', async () => {
    const { tree } = server.repos.get('some/model')!.commits.get(commit)!;
    await mkdir(repoFolder('blobs'), { recursive: true });
    const { oid } = tree.find(({ path }) => path === unet)!.lfs!;
    for (const [name, size] of [
      ['0123456789ab', 100_000],
      ['ba9876543210', 5],
    ] as const) {
      const orphan = repoFolder('blobs', `${oid}.00000000-1-${name}.incomplete`);
      await writeFile(orphan, unetBytes.subarray(0, size));
      await utimes(orphan, 0, 0);
    }
    const model = await download();
    await expectWhole(model.folder);
    expect(model.downloadedBytes).toBe(neededBytes - 100_000);
    expect(await partials()).toEqual([]);
  });

  it('a partial file of Python is left to Python', async () => {
    const { tree } = server.repos.get('some/model')!.commits.get(commit)!;
    const theirs = repoFolder('blobs', `${tree.find(({ path }) => path === unet)!.lfs!.oid}.incomplete`);
    await mkdir(dirname(theirs), { recursive: true });
    await writeFile(theirs, 'theirs');
    await expectWhole((await download()).folder);
    expect(await readFile(theirs, 'utf8')).toBe('theirs');
  });
});

describe('without the Hub', () => {
  it('what is cached is loaded, and no request made', async () => {
    await download();
    server.log.length = 0;
    await expectWhole((await download('some/model', { offline: true })).folder);
    expect(server.log).toEqual([]);
  });

  it('what is not cached, or not all, is an error that says how to get it', async () => {
    const error = await failure(download('some/model', { offline: true }));
    expect(error).toMatchObject({ code: 'hub/offline' });
    expect(error.message).toMatch(/HF_HUB_OFFLINE.*pleinair download some\/model/);
    const { folder } = await download();
    await rm(join(folder, 'tokenizer/special_tokens_map.json'));
    expect(await failure(download('some/model', { offline: true }))).toMatchObject({ code: 'hub/offline' });
  });

  it('a server that is down is no hindrance where all is there', async () => {
    await download();
    await server.stop();
    const model = await download('some/model', { retries: 0 });
    await expectWhole(model.folder);
    expect(model.notes).toEqual([expect.stringContaining('could not be asked for a newer one')]);
    expect(await failure(download('some/other', { retries: 0 }))).toMatchObject({ code: 'weights/network' });
    server = new HubServer();
    await server.start();
  });

  it('what Python has put there is used, whatever its variant', async () => {
    const { tree } = server.repos.get('some/model')!.commits.get(commit)!;
    const full: Record<string, string | Uint8Array> = { ...otherFiles, ...neededFiles };
    for (const path of Object.keys(full).filter((each) => each.includes('.fp16.'))) delete full[path];
    for (const [path, content] of Object.entries(full)) {
      const { lfs, oid } = tree.find((each) => each.path === path)!;
      const pointer = repoFolder('snapshots', commit, path);
      await mkdir(dirname(pointer), { recursive: true });
      await mkdir(repoFolder('blobs'), { recursive: true });
      await writeFile(repoFolder('blobs', lfs?.oid ?? oid), content);
      await symlink(join('../'.repeat(path.split('/').length + 1), 'blobs', lfs?.oid ?? oid), pointer);
    }
    await mkdir(repoFolder('refs'));
    await writeFile(repoFolder('refs', 'main'), commit);
    const offline = await download('some/model', { offline: true });
    expect(offline.files).toContain('unet/diffusion_pytorch_model.safetensors');
    const online = await download();
    expect(online).toMatchObject({ downloadedBytes: 0, files: expect.arrayContaining([...offline.files]) });
  });
});

describe('refusals', () => {
  const cases: [string, () => Promise<unknown>, string, RegExp][] = [
    ['a name without an owner', () => download('sdxl'), 'hub/name', /owner\/name/],
    [
      'no such model',
      () => download('no/such'),
      'hub/not-found',
      /no\/such: expected a model of that name at http.*HF_TOKEN/,
    ],
    ['no such revision', () => download('some/model@v9'), 'hub/revision', /one of its revisions \(main\).*got "v9"/],
    [
      'a token that is none',
      () => download('some/model', { token: 'hf_bad' }),
      'hub/token',
      /Invalid credentials.*unset HF_TOKEN/,
    ],
    [
      'another server',
      () => download('some/model', { endpoint: `${server.endpoint}/other` }),
      'hub/not-found',
      /expected a model/,
    ],
    ['no address', () => download('some/model', { endpoint: 'huggingface.co' }), 'hub/name', /HF_ENDPOINT/],
  ];
  it.each(cases)('%s', async (_what, ask, code, message) => {
    const error = await failure(ask());
    expect(isPleinairError(error) && error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  it('a gated model says where its licence is, and comes with the right token', async () => {
    server.publish('gated/model', neededFiles, { gated: true });
    server.tokens.add('hf_known').add('hf_granted');
    server.repos.get('gated/model')!.granted.add('hf_granted');
    const anonymous = await failure(download('gated/model'));
    expect(anonymous).toMatchObject({ code: 'hub/gated' });
    expect(anonymous.message).toContain(`Accept it at ${server.endpoint}/gated/model, then give a token`);
    const stranger = await failure(download('gated/model', { token: 'hf_known' }));
    expect(stranger).toMatchObject({ code: 'hub/gated' });
    expect(stranger.message).toContain('the account the token is of');
    await expectWhole((await download('gated/model', { token: 'hf_granted' })).folder);
  });

  it('a private model comes with a token, which goes to the Hub alone', async () => {
    server.publish('private/model', neededFiles, { private: true });
    server.tokens.add('mirrors-have-other-tokens');
    expect(await failure(download('private/model'))).toMatchObject({ code: 'hub/not-found' });
    // The test's CDN refuses whoever shows a token.
    await expectWhole((await download('private/model', { token: 'mirrors-have-other-tokens' })).folder);
  });

  it('paths that lead out of the model are not written', async () => {
    server.publish('evil/model', { ...neededFiles, '../../escaped.json': 'x' });
    expect(await failure(download('evil/model'))).toMatchObject({ code: 'weights/unsafe-path' });
  });

  it('a cache that cannot be written is told', async () => {
    await writeFile(join(cacheFolder, 'file'), '');
    const error = await failure(download('some/model', { cacheFolder: join(cacheFolder, 'file') }));
    expect(error).toMatchObject({ code: 'hub/storage' });
    expect(error.message).toContain('HF_HOME');
  });

  it('a disk that fills up on the way is told at once, and what came is kept', async () => {
    server.habits.bytesPerSecond = 3_000_000; // in pieces, of which the first fit
    const { value: write } = Object.getOwnPropertyDescriptor(PartialFile.prototype, 'write') as {
      value: PartialFile['write'];
    };
    const writing = vi.spyOn(PartialFile.prototype, 'write').mockImplementation(function (
      this: PartialFile,
      at,
      bytes,
    ) {
      if (at > 200_000) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      return write.call(this, at, bytes);
    });
    const error = await failure(download());
    expect(error).toMatchObject({ code: 'hub/no-room' });
    const asked = fileRequests().filter((line) => line.includes(unet));
    expect(asked).toHaveLength(1); // not again and again, as over a bad connection
    writing.mockRestore();
    const sent = server.bytesSent;
    await download();
    expect(server.bytesSent - sent).toBeLessThan(unetBytes.length - 200_000 + 2000);
    expect(fileRequests().filter((line) => line.includes(unet))).toEqual([
      ...asked,
      expect.stringMatching(/bytes=[1-9]\d*-/),
    ]);
  });

  it('a disk without room is told beforehand', async () => {
    const repo = server.repos.get('some/model')!;
    const state = repo.commits.get(commit)!;
    const tree = state.tree.map((entry) =>
      entry.path === unet ? { ...entry, size: 9e15, lfs: { ...entry.lfs!, size: 9e15 } } : entry,
    );
    repo.commits.set(commit, { ...state, tree });
    const error = await failure(download());
    expect(error).toMatchObject({ code: 'hub/no-room' });
    expect(error.message).toMatch(/expected 9000000\.\d\d GB of room.*models list.*HF_HOME/);
    expect(fileRequests().filter((line) => line.includes('safetensors'))).toEqual([]);
  });
});
