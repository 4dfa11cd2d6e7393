import type { Tuner, TuneOptions, Tuning, TuningWork } from '@pleinair/kernels';
import { CancelledError, Graph, type PlanOptions } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { PartTuning } from './part-tuning.js';

/** Stands in for a tuner: notes what it is asked and chooses `winner` and the number of the call. */
class FakeTuner implements Pick<Tuner, 'mode' | 'tune'> {
  readonly asked: { readonly works: readonly TuningWork[]; readonly options: TuneOptions }[] = [];

  constructor(
    readonly mode: Tuner['mode'] = 'quick',
    private readonly notes: readonly string[] = [],
  ) {}

  tune(works: readonly TuningWork[], options: TuneOptions = {}): Promise<Tuning> {
    this.asked.push({ works, options });
    if (options.signal?.aborted) return Promise.reject(new CancelledError('tuning'));
    const winner = `winner ${this.asked.length}`;
    options.onProgress?.({ part: 'unet', shape: 's', variant: 'v', done: 3, total: 8 });
    return Promise.resolve({ pick: () => winner, shapes: [], ms: 25, notes: this.notes });
  }
}

const works: readonly TuningWork[] = [{ part: 'unet', graph: new Graph('unet', { dtype: 'f16' }), runs: () => 20 }];
const unasked = (): never => {
  throw new Error('expected nobody to ask for the works');
};

describe('what a pipeline takes of its tuner', () => {
  it('is nothing where there is none, or it is off: heuristics choose, and nothing is recorded for it', async () => {
    for (const tuner of [undefined, new FakeTuner('off')]) {
      const chosen = await new PartTuning(tuner).choose('a', unasked, {});
      expect(chosen).toEqual({ notes: [] });
      expect(chosen.pick).toBeUndefined();
    }
  });

  it('is found once a shape: later pictures of it take the same choices', async () => {
    const tuner = new FakeTuner('quick', ['the disk is full']);
    const tuning = new PartTuning(tuner);
    const first = await tuning.choose('a', () => works, {});
    expect(first.pick?.('shape', ['x'])).toBe('winner 1');
    expect(first.notes).toEqual(['the disk is full']);
    expect(tuner.asked[0]!.works).toBe(works);
    const second = await tuning.choose('a', unasked, {});
    expect(second.pick).toBe(first.pick);
    const other = await tuning.choose('b', () => works, {});
    expect(other.pick?.('shape', ['x'])).toBe('winner 2');
    expect(tuner.asked).toHaveLength(2);
  });

  it('is asked with the plans’ own options, and tells its progress and its time', async () => {
    const tuner = new FakeTuner();
    const plan: PlanOptions = { transformedWeights: true, pick: () => 'fixed' };
    const { signal } = new AbortController();
    const progress: unknown[] = [];
    const times: number[] = [];
    await new PartTuning(tuner, plan).choose('a', () => works, {
      signal,
      onProgress: (one) => progress.push(one),
      onTuneTime: (ms) => times.push(ms),
    });
    expect(tuner.asked[0]!.options).toMatchObject({ plan, signal, mode: undefined });
    expect(progress).toEqual([{ part: 'unet', phase: 'tuning', loaded: 3, total: 8 }]);
    expect(times).toEqual([25]);
  });

  it('is replaced by a tuning that was asked for, with the mode asked for', async () => {
    const tuner = new FakeTuner();
    const tuning = new PartTuning(tuner);
    await tuning.choose('a', () => works, {});
    const seen: unknown[] = [];
    const { pick } = await tuning.tune('a', works, { mode: 'full', again: true, onTuning: (one) => seen.push(one) });
    expect(tuner.asked[1]!.options).toMatchObject({ mode: 'full', again: true });
    expect(seen).toEqual([{ part: 'unet', shape: 's', variant: 'v', done: 3, total: 8 }]);
    expect((await tuning.choose('a', unasked, {})).pick).toBe(pick);
  });

  it('is forgotten when tuning was cancelled: the next picture tunes', async () => {
    const tuner = new FakeTuner();
    const tuning = new PartTuning(tuner);
    const signal = AbortSignal.abort();
    await expect(tuning.choose('a', () => works, { signal })).rejects.toMatchObject({ code: 'cancelled' });
    expect((await tuning.choose('a', () => works, {})).pick?.('shape', ['x'])).toBe('winner 2');
  });

  it('is what the caller has fixed where there is no tuner to be asked', async () => {
    const pick = (): string => 'fixed';
    expect(await new PartTuning(undefined, { pick }).tune('a', works, {})).toMatchObject({ pick, shapes: [], ms: 0 });
  });
});
