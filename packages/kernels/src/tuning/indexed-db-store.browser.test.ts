import { defaultProfile } from '@pleinair/tensor';
import { beforeEach, expect, it } from 'vitest';
import { describeTuningAdapter, type TuningAdapter } from './adapter-key.js';
import { IndexedDbTuningStore } from './indexed-db-store.js';
import type { TuningRecord } from './record.js';

const record: TuningRecord = {
  shape: 'linear 8x8x8 f16 f16',
  basis: 'abc',
  kernels: { plain: '1', fast: '2', broken: '3' },
  heuristic: 'plain',
  winner: 'fast',
  times: { plain: 2, fast: 1, broken: null },
  extent: 'all',
  at: 5,
};
const adapterOf = (vendor: string): TuningAdapter =>
  describeTuningAdapter({ vendor, architecture: '', device: '', description: '' }, defaultProfile);
const adapter = adapterOf('one');
let name = '';
let count = 0;
beforeEach(() => void (name = `pleinair-test-${Date.now()}-${count++}`));

it('keeps records in IndexedDB from one store object to the next, adapters apart', async () => {
  await new IndexedDbTuningStore(name).save(adapter, new Map([['k', record]]));
  await new IndexedDbTuningStore(name).save(adapterOf('two'), new Map([['k', { ...record, winner: 'broken' }]]));
  const loaded = await new IndexedDbTuningStore(name).load(adapter);
  expect([...loaded.values()]).toEqual([record]);
  expect(await new IndexedDbTuningStore(name).clear()).toBe(2);
  expect((await new IndexedDbTuningStore(name).load(adapter)).size).toBe(0);
});

it('loses nothing to pages that write at the same time, and keeps the record that went further', async () => {
  const shapes = Array.from({ length: 20 }, (_, i) => `shape ${i}`);
  await Promise.all(
    shapes.map((shape) => {
      const key = `${shape}#abc`;
      return new IndexedDbTuningStore(name).save(adapter, new Map([[key, { ...record, shape }]]));
    }),
  );
  const store = new IndexedDbTuningStore(name);
  expect((await store.load(adapter)).size).toBe(20);
  const lesser: TuningRecord = { ...record, shape: 'shape 3', extent: 'some', at: 99 };
  await store.save(adapter, new Map([['shape 3#abc', lesser]]));
  expect((await store.load(adapter)).get('shape 3#abc')).toMatchObject({ extent: 'all', at: 5 });
});

it('passes over what is no record', async () => {
  const store = new IndexedDbTuningStore(name);
  await store.save(adapter, new Map([['k', record]]));
  const open = indexedDB.open(name);
  await new Promise<void>((resolve, reject) => {
    open.addEventListener('error', () => reject(new Error('open failed')));
    open.addEventListener('success', () => {
      const transaction = open.result.transaction('records', 'readwrite');
      const entries = transaction.objectStore('records');
      entries.put('rubbish', [adapter.key, 'a']);
      entries.put({ adapter, record: { winner: 3 } }, [adapter.key, 'b']);
      transaction.addEventListener('complete', () => {
        open.result.close();
        resolve();
      });
    });
  });
  expect([...(await store.load(adapter)).values()]).toEqual([record]);
});

it('says when the database cannot be used', async () => {
  // A newer version of the same database: opening it as version 1 fails.
  const newer = indexedDB.open(name, 9);
  await new Promise((resolve) => newer.addEventListener('success', resolve));
  newer.result.close();
  await expect(new IndexedDbTuningStore(name).load(adapter)).rejects.toMatchObject({ code: 'tuning/unreadable' });
  await expect(new IndexedDbTuningStore(name).save(adapter, new Map([['k', record]]))).rejects.toMatchObject({
    code: 'tuning/unwritable',
  });
});
