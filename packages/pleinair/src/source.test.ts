import { cp, mkdtemp, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { HubServer } from '@pleinair/testing/hub';
import { blobSource, type DownloadProgress } from '@pleinair/weights';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPlace, type HubOptions, type ModelPlace } from './source.js';

const weights = Uint8Array.from({ length: 400_000 }, (_, i) => i * 7);
const index = { _class_name: 'X', unet: ['diffusers', 'UNet2DConditionModel'] };
const server = new HubServer();
let folder: string;
let hub: HubOptions;
const before = process.cwd();

beforeAll(async () => {
  await server.start();
  folder = await mkdtemp(join(tmpdir(), 'pleinair-places-'));
  server.publish('some/model', {
    'model_index.json': index,
    'unet/config.json': { of: 'the Hub' },
    'unet/model.safetensors': weights,
  });
  hub = { endpoint: server.endpoint, cacheFolder: join(folder, 'cache'), token: '', offline: false };
  await mkdir(join(folder, 'here/model/unet'), { recursive: true });
  await writeFile(join(folder, 'here/model/unet/config.json'), '{"of":"this disk"}');
  process.chdir(folder);
});
afterAll(async () => {
  process.chdir(before);
  await server.stop();
  await rm(folder, { recursive: true });
});

const config = async (place: ModelPlace, options = {}) =>
  (await openPlace(place, { hub, ...options })).readJson('unet/config.json');

describe('a place', () => {
  it('is a folder that is there, before it is a model of the Hub', async () => {
    const requests = server.log.length;
    expect(await config('here/model')).toEqual({ of: 'this disk' });
    expect(await config(pathToFileURL(join(folder, 'here/model')))).toEqual({ of: 'this disk' });
    expect(server.log).toHaveLength(requests);
    await cp(join(folder, 'here'), join(folder, 'some'), { recursive: true });
    expect(await config('some/model')).toEqual({ of: 'this disk' });
    expect(await config('hf:some/model')).toEqual({ of: 'the Hub' });
    await rm(join(folder, 'some'), { recursive: true });
  });

  it('is looked at on the Hub without being kept, where that is enough', async () => {
    const elsewhere = { ...hub, cacheFolder: join(folder, 'other'), download: 'none' as const };
    const source = await openPlace('some/model', { hub: elsewhere });
    expect(await source.readRange('unet/model.safetensors', 1000, 1004)).toEqual(weights.slice(1000, 1004));
    expect(source.describe()).toBe('some/model');
    expect(await stat(elsewhere.cacheFolder).catch(() => 'none')).toBe('none');
    await expect(openPlace('some/model', { hub: { ...elsewhere, offline: true } })).rejects.toMatchObject({
      code: 'hub/offline',
    });
  });

  it('is a model of the Hub, by name or page, downloaded once', async () => {
    const reports: DownloadProgress[] = [];
    expect(await config('some/model', { onDownload: (report: DownloadProgress) => reports.push(report) })).toEqual({
      of: 'the Hub',
    });
    expect(reports.at(-1)!.loadedBytes).toBe(reports.at(-1)!.totalBytes);
    const sent = server.bytesSent;
    expect(await config(`${server.endpoint}/some/model`)).toEqual({ of: 'the Hub' });
    expect(await config('some/model', { hub: { ...hub, download: 'none' } })).toEqual({ of: 'the Hub' });
    expect(server.bytesSent).toBe(sent);
  });

  it('may be several, the Hub among them', async () => {
    const own = blobSource(new Map([['vae/config.json', new Blob(['{"own":1}'])]]));
    const source = await openPlace([own, 'some/model'], { hub });
    expect(await source.readJson('vae/config.json')).toEqual({ own: 1 });
    expect(await source.readJson('unet/config.json')).toEqual({ of: 'the Hub' });
  });

  it('that is nowhere says so', async () => {
    await expect(openPlace('no/such', { hub })).rejects.toMatchObject({ code: 'hub/not-found' });
    await expect(config('nothing')).rejects.toMatchObject({ code: 'weights/missing-file' });
    const cut = AbortSignal.abort();
    await expect(openPlace('some/model', { hub, signal: cut })).rejects.toMatchObject({ code: 'cancelled' });
  });
});
