import { CancelledError, KernelError } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { Contest, contestRules, median, type Reading, type TimedVariant } from './contest.js';

/** Variants that take given times, reading after reading; the last time goes on. */
class FakeVariants {
  readonly reads: string[] = [];
  readonly open = new Set<string>();
  mostOpen = 0;

  constructor(private readonly times: Readonly<Record<string, number | readonly (number | Reading)[] | Error>>) {}

  readonly opener = (name: string): Promise<TimedVariant> => {
    const times = this.times[name]!;
    if (times instanceof Error) return Promise.reject(times);
    const left = typeof times === 'number' ? [times] : [...times];
    this.open.add(name);
    this.mostOpen = Math.max(this.mostOpen, this.open.size);
    return Promise.resolve({
      read: () => {
        this.reads.push(name);
        const next = left.length > 1 ? left.shift()! : left[0]!;
        return Promise.resolve(typeof next === 'number' ? { ms: next } : next);
      },
      close: () => void this.open.delete(name),
    });
  };

  contest(): Contest {
    return new Contest('own', this.opener, contestRules.full);
  }
}

async function play(contest: Contest, ...challengers: string[]): Promise<string> {
  for (const name of challengers) await contest.challenge(name);
  await contest.confirm();
  contest.close();
  return contest.winner;
}

describe('a contest of variants', () => {
  it('takes the fastest, reads two in turn and holds no more than two', async () => {
    const fake = new FakeVariants({ own: 10, slow: 12, fast: 5, faster: 4 });
    const contest = fake.contest();
    expect(await play(contest, 'slow', 'fast', 'faster')).toBe('faster');
    expect(contest.times).toEqual({ own: 10, slow: 12, fast: 5, faster: 4 });
    expect(contest.winnerShare).toBeCloseTo(0.4, 9);
    expect(fake.reads.slice(0, 4)).toEqual(['own', 'slow', 'own', 'slow']);
    expect(fake.mostOpen).toBe(2);
    expect([...fake.open]).toEqual([]);
  });

  it('keeps the heuristic’s variant unless another beats it by the margin', async () => {
    expect(await play(new FakeVariants({ own: 10, other: 9.8 }).contest(), 'other')).toBe('own');
    expect(await play(new FakeVariants({ own: 10, other: 9.6 }).contest(), 'other')).toBe('other');
  });

  it('gives up a hopeless variant after its first reading', async () => {
    const fake = new FakeVariants({ own: 10, bad: 16, poor: 14 });
    await play(fake.contest(), 'bad', 'poor');
    expect(fake.reads.filter((name) => name === 'bad')).toHaveLength(1);
    expect(fake.reads.filter((name) => name === 'poor')).toHaveLength(contestRules.full.rounds);
  });

  it('compares with the champion of the moment, and with the heuristic through it', async () => {
    // The machine slows down threefold while the second challenger is read: shares are not disturbed.
    const fake = new FakeVariants({ own: 10, first: [8, 8, 8, 8, 8, 24], second: [23.9] });
    const contest = fake.contest();
    await contest.challenge('first');
    const share = await contest.challenge('second');
    expect(share).toBeCloseTo((8 / 10) * (23.9 / 24), 6);
    expect(contest.winner).toBe('second');
  });

  it('is not deceived by single readings that went wrong', async () => {
    const fake = new FakeVariants({ own: [10, 10, 10, 10, 10], other: [10.5, 3, 10.5, 90, 10.5] });
    expect(await play(fake.contest(), 'other')).toBe('own');
  });

  const times = (ms: readonly number[], processorMs: number): Reading[] =>
    ms.map((each) => ({ ms: each, processorMs }));

  it('goes by processor time where the clock’s shares disagree, and by the clock where they do not', async () => {
    // Other work takes turns with both: by the clock the loser would win.
    const busy = new FakeVariants({ own: times([90, 50, 400, 30, 200], 10), other: times([30, 40, 90, 200, 50], 12) });
    expect(await play(busy.contest(), 'other')).toBe('own');
    const better = new FakeVariants({ own: times([30, 40, 90, 200, 50], 12), other: times([90, 50, 400, 30, 200], 8) });
    const contest = better.contest();
    expect(await play(contest, 'other')).toBe('other');
    expect(contest.winnerShare).toBeCloseTo(8 / 12, 9);
    // More work on more cores is sooner done.
    const calm = new FakeVariants({ own: times([10], 10), other: times([8], 14) });
    expect(await play(calm.contest(), 'other')).toBe('other');
  });

  it('gives up a variant at once only if it took more of the processor too', async () => {
    const fake = new FakeVariants({ own: times([10], 10), unlucky: times([90, 9, 9, 9, 9], 9) });
    await play(fake.contest(), 'unlucky');
    expect(fake.reads.filter((name) => name === 'unlucky').length).toBeGreaterThanOrEqual(contestRules.full.rounds);
  });

  it('takes back a narrow win that does not happen again', async () => {
    const lucky = [9, 9, 9, 9, 9, 10.2];
    expect(await play(new FakeVariants({ own: 10, lucky }).contest(), 'lucky')).toBe('own');
  });

  it('takes back a win through another that does not show against the heuristic’s own', async () => {
    // `first` seemed twice as fast for a while: what beats it later is no faster than the heuristic's.
    const first = [5, 5, 5, 5, 5, 20];
    const contest = new FakeVariants({ own: 10, first, second: 10.5 }).contest();
    await contest.challenge('first');
    await contest.challenge('second');
    expect(contest.winner).toBe('second');
    await contest.confirm();
    expect(contest.winner).toBe('own');
    expect(contest.winnerShare).toBe(1);
  });

  it('puts out a variant that fails, whenever it does', async () => {
    const fake = new FakeVariants({ own: 10, broken: new KernelError('k', 'no'), fast: 5 });
    const contest = fake.contest();
    expect(await contest.challenge('broken')).toBe(Infinity);
    expect(await play(contest, 'fast')).toBe('fast');
    expect(contest.times).toEqual({ own: 10, broken: null, fast: 5 });
  });

  it('decides nothing where the heuristic’s own variant fails', async () => {
    const contest = new FakeVariants({ own: new KernelError('k', 'no'), fast: 5 }).contest();
    expect(await play(contest, 'fast')).toBe('own');
    expect(contest.isVoid).toBe(true);
  });

  it('ends on a cancel, with everything closed by close()', async () => {
    const fake = new FakeVariants({ own: 10, other: new CancelledError('tuning') });
    const contest = fake.contest();
    await expect(contest.challenge('other')).rejects.toThrow(CancelledError);
    contest.close();
    expect([...fake.open]).toEqual([]);
  });
});

it('finds medians', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
});
