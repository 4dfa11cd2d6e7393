import { defaultProfile, type Device } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { describeTuningAdapter } from './adapter-key.js';
import { recordKey, type TuningRecord } from './record.js';
import { tuningResult, tuningResults } from './results.js';
import { MemoryTuningStore } from './store.js';

const record: TuningRecord = {
  shape: 'conv 3x3 2x16x16x64x64 f16 f16',
  basis: 'b',
  heuristic: 'columns16x32',
  winner: 'winograd',
  winnerShare: 0.25,
  kernels: { columns16x32: '1', winograd: '2', matrix: '3' },
  times: { matrix: null, columns16x32: 4, winograd: 2 },
  extent: 'all',
  at: 7,
};

describe('tuning results', () => {
  it('are told by shape, the fastest variant first', () => {
    expect(tuningResult(record)).toEqual({
      shape: record.shape,
      op: 'conv',
      heuristic: 'columns16x32',
      taken: 'winograd',
      speedup: 4,
      times: [{ variant: 'winograd', ms: 2 }, { variant: 'columns16x32', ms: 4 }, { variant: 'matrix' }],
      extent: 'all',
      at: 7,
    });
    const { winner: _, winnerShare: __, ...kept } = record;
    expect(tuningResult(kept)).toMatchObject({ taken: 'columns16x32', speedup: 1 });
  });

  it('are those of the adapter at hand', async () => {
    const info = { vendor: 'v', architecture: 'a', device: 'd', description: 'words' };
    const device = { profile: defaultProfile, gpu: { adapterInfo: info } } as unknown as Device;
    const store = new MemoryTuningStore();
    const adapter = describeTuningAdapter(info, defaultProfile);
    const linear = { ...record, shape: 'linear 1x2x3', at: 8 };
    await store.save(adapter, new Map([linear, record].map((each) => [recordKey(each), each])));
    await store.save({ ...adapter, key: 'other' }, new Map([['k', { ...record, shape: 'other' }]]));
    expect((await tuningResults(device, store)).map(({ op }) => op)).toEqual(['conv', 'linear']);
    await store.clear();
    expect(await tuningResults(device, store)).toEqual([]);
  });
});
