import { chmod, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TuningAdapter, TuningRecord } from '@pleinair/kernels';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cacheFolder } from './cache-folder.js';
import { DiskTuningStore } from './disk-tuning-store.js';
import { startWriter } from '../../test/tuning-writer.js';

const adapter: TuningAdapter = {
  key: '0123456789abcdef',
  vendor: 'mesa',
  architecture: 'software',
  device: 'llvmpipe',
  description: 'llvmpipe: Mesa 25.0.7',
  features: 'shaderF16',
};
const record: TuningRecord = {
  shape: 's',
  basis: 'abc',
  kernels: { plain: '1', fast: '2', broken: '3' },
  heuristic: 'plain',
  winner: 'fast',
  times: { plain: 2, fast: 1, broken: null },
  extent: 'all',
  at: 5,
};
let folder: string;
let path: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'pleinair-tuning-')), 'deeper', 'tuning');
  path = join(folder, `${adapter.key}.json`);
});
afterEach(() => rm(join(folder, '..', '..'), { recursive: true, force: true }));

describe('tuning results on disk', () => {
  it('outlive the store object, adapters apart, and can be cleared', async () => {
    expect((await new DiskTuningStore(folder).load(adapter)).size).toBe(0);
    await new DiskTuningStore(folder).save(adapter, new Map([['k', record]]));
    const other = { ...adapter, key: 'fedcba9876543210' };
    await new DiskTuningStore(folder).save(other, new Map([['k', { ...record, winner: 'plain' }]]));
    const store = new DiskTuningStore(folder);
    expect([...(await store.load(adapter))]).toEqual([['k', record]]);
    expect((await store.load(other)).get('k')!.winner).toBe('plain');
    expect((await readdir(folder)).sort()).toEqual([`${adapter.key}.json`, `${other.key}.json`].sort());
    expect(await store.clear()).toBe(2);
    expect(await readdir(folder)).toEqual([]);
    expect((await store.load(adapter)).size).toBe(0);
    expect(await store.clear()).toBe(0);
  });

  it.each([
    ['cut off', '{"format": "pleinair tuning 1", "records": {"k"'],
    ['empty', ''],
    ['of another program', '{"hello": "world"}'],
    ['of another format', '{"format": "pleinair tuning 99", "records": {}}'],
    ['no object', '7'],
    ['binary', '\u0000\u0001\u0002'],
  ])('set a file that is %s aside and begin anew', async (_what, text) => {
    await mkdir(folder, { recursive: true });
    await writeFile(path, text);
    const store = new DiskTuningStore(folder);
    expect((await store.load(adapter)).size).toBe(0);
    expect(await readFile(`${path}.damaged`, 'utf8')).toBe(text);
    await store.save(adapter, new Map([['k', record]]));
    expect([...(await store.load(adapter)).values()]).toEqual([record]);
    expect(await store.clear()).toBe(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it('pass over single records that are none', async () => {
    const store = new DiskTuningStore(folder);
    await store.save(adapter, new Map([['k', record]]));
    const file = JSON.parse(await readFile(path, 'utf8')) as { records: Record<string, unknown> };
    file.records['bad'] = { winner: 7 };
    await writeFile(path, JSON.stringify(file));
    expect([...(await store.load(adapter)).keys()]).toEqual(['k']);
  });

  it('lose nothing to writers at the same time, in this process and in others', async () => {
    const writers = await Promise.all([startWriter(folder, adapter, 'a', 12), startWriter(folder, adapter, 'b', 12)]);
    const own = Array.from({ length: 12 }, (_, i) =>
      new DiskTuningStore(folder).save(adapter, new Map([[`own ${i}`, { ...record, shape: `own ${i}` }]])),
    );
    await Promise.all([...own, ...writers.map((writer) => writer.done())]);
    expect((await new DiskTuningStore(folder).load(adapter)).size).toBe(36);
    expect(await readdir(folder)).toEqual([`${adapter.key}.json`]);
  });

  it('are whole after a writer was killed in the middle, whose lock is broken', async () => {
    await new DiskTuningStore(folder).save(adapter, new Map([['k', record]]));
    const writer = await startWriter(folder, adapter, 'killed', 1e6);
    await writer.wrote(3);
    await writer.kill();
    const store = new DiskTuningStore(folder);
    const before = await store.load(adapter);
    expect(before.get('k')).toEqual(record);
    expect(before.size).toBeGreaterThan(3);
    await writeFile(`${path}.lock`, '');
    const longAgo = new Date(Date.now() - 60_000);
    await utimes(`${path}.lock`, longAgo, longAgo);
    await store.save(adapter, new Map([['after', record]]));
    expect((await store.load(adapter)).has('after')).toBe(true);
    expect((await readdir(folder)).filter((name) => name.endsWith('.damaged') || name.endsWith('.lock'))).toEqual([]);
  });

  it('say what to do where they cannot be kept', async () => {
    await mkdir(join(folder, '..'), { recursive: true });
    await writeFile(folder, 'a file where the folder should be');
    const store = new DiskTuningStore(folder);
    expect((await store.load(adapter)).size).toBe(0);
    await expect(store.save(adapter, new Map([['k', record]]))).rejects.toMatchObject({
      code: 'tuning/unwritable',
      message: expect.stringContaining('XDG_CACHE_HOME') as string,
    });
  });

  it.skipIf(process.getuid?.() === 0)('say so where they cannot be read (not as root)', async () => {
    const store = new DiskTuningStore(folder);
    await store.save(adapter, new Map([['k', record]]));
    await chmod(path, 0o000);
    await expect(store.load(adapter)).rejects.toMatchObject({ code: 'tuning/unreadable' });
  });
});

describe('the cache folder', () => {
  const place = (platform: NodeJS.Platform, environment: Record<string, string>): string =>
    cacheFolder({ platform, environment, home: '/home/me' });

  it('is the platform’s own', () => {
    expect(place('linux', {})).toBe('/home/me/.cache/pleinair');
    expect(place('darwin', {})).toBe('/home/me/Library/Caches/pleinair');
    expect(place('win32', { LOCALAPPDATA: '/data' })).toBe('/data/pleinair');
    expect(place('win32', {})).toBe('/home/me/AppData/Local/pleinair');
  });

  it('is where XDG_CACHE_HOME says, if that is absolute', () => {
    expect(place('linux', { XDG_CACHE_HOME: '/caches' })).toBe('/caches/pleinair');
    expect(place('linux', { XDG_CACHE_HOME: 'caches' })).toBe('/home/me/.cache/pleinair');
    expect(place('linux', { XDG_CACHE_HOME: '' })).toBe('/home/me/.cache/pleinair');
  });
});
