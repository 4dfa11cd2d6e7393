import { defaultProfile } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { describeTuningAdapter } from './adapter-key.js';
import { betterRecord, mergeRecords, mostRecords, parseRecord, recordKey, type TuningRecord } from './record.js';
import { MemoryTuningStore } from './store.js';

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

describe('tuning records', () => {
  it('are read back from JSON', () => {
    expect(parseRecord(JSON.parse(JSON.stringify(record)))).toEqual(record);
  });

  it.each([
    undefined,
    null,
    7,
    'text',
    [],
    {},
    { ...record, shape: 3 },
    { ...record, winner: 'unknown' },
    { ...record, winnerShare: 0 },
    { ...record, winnerShare: '0.5' },
    { ...record, basis: '' },
    { ...record, heuristic: 7 },
    { ...record, kernels: 'all' },
    { ...record, kernels: { fast: 2 } },
    { ...record, extent: 'most' },
    { ...record, at: 'today' },
    { ...record, times: [1] },
    { ...record, times: { plain: -1 } },
    { ...record, times: { plain: 'two' } },
  ])('are told from anything else: %j', (value) => {
    expect(parseRecord(value)).toBeUndefined();
  });

  it('need neither heuristic nor winner', () => {
    const { heuristic: _, winner: __, ...bare } = record;
    expect(parseRecord(bare)).toEqual(bare);
  });

  it('of other choices have other keys', () => {
    expect(recordKey(record)).not.toBe(recordKey({ ...record, basis: 'abd' }));
  });

  it('merge to the one that went further, else the newer', () => {
    const quick: TuningRecord = { ...record, extent: 'some', at: 9 };
    const later: TuningRecord = { ...record, winner: 'plain', at: 6 };
    expect(betterRecord(quick, record)).toBe(record);
    expect(betterRecord(record, quick)).toBe(record);
    expect(betterRecord(record, later)).toBe(later);
    expect(mergeRecords(new Map([['a', quick]]), new Map([['a', record]])).get('a')).toBe(record);
  });

  it('beyond a bound drop the oldest', () => {
    const many = new Map(Array.from({ length: mostRecords }, (_, i) => [`k${i}`, { ...record, at: i }]));
    const merged = mergeRecords(many, new Map([['new', { ...record, at: 1e9 }]]));
    expect(merged.size).toBe(mostRecords);
    expect(merged.has('new')).toBe(true);
    expect(merged.has('k0')).toBe(false);
  });
});

describe('the adapter of tuning results', () => {
  const info = { vendor: 'mesa', architecture: 'software', device: 'llvmpipe', description: 'llvmpipe: Mesa 25.0.7' };

  it('is another with another driver, other features or other subgroups', () => {
    const key = (over: object, profile = defaultProfile): string =>
      describeTuningAdapter({ ...info, ...over }, profile).key;
    const keys = [
      key({}),
      key({ description: 'llvmpipe: Mesa 25.0.8' }),
      key({}, { ...defaultProfile, features: { ...defaultProfile.features, shaderF16: false } }),
      key({}, { ...defaultProfile, subgroupMinSize: 4 }),
    ];
    expect(new Set(keys).size).toBe(4);
    expect(key({})).toBe(keys[0]);
    for (const each of keys) expect(each).toMatch(/^[0-9a-f]{16}$/);
  });

  it('keeps its results apart in a store', async () => {
    const store = new MemoryTuningStore();
    const [one, other] = ['a', 'b'].map((vendor) => describeTuningAdapter({ ...info, vendor }, defaultProfile));
    await store.save(one!, new Map([['k', record]]));
    expect((await store.load(one!)).get('k')).toEqual(record);
    expect((await store.load(other!)).size).toBe(0);
    expect(await store.clear()).toBe(1);
    expect((await store.load(one!)).size).toBe(0);
  });
});
