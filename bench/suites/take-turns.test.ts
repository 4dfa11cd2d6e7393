import { expect, it } from 'vitest';
import { roundRatios, takeTurns } from './take-turns.js';

/** Runs of fixed length by a clock of their own. */
function stage(lengths: readonly number[]) {
  let clock = 0;
  const order: number[] = [];
  const runs = lengths.map((ms, i) => () => {
    order.push(i);
    clock += ms;
    return Promise.resolve();
  });
  return { runs, order, now: () => clock };
}

it('lets each run once a round, each round beginning with another', async () => {
  const { runs, order, now } = stage([5, 7, 11]);
  const turns = await takeTurns(runs, { rounds: 3, budgetMs: 1000, now });
  expect(order).toEqual([0, 1, 2, 1, 2, 0, 2, 0, 1]);
  expect(turns.map((list) => list.map(({ ms }) => ms))).toEqual([
    [5, 5, 5],
    [7, 7, 7],
    [11, 11, 11],
  ]);
});

it('takes two rounds at least, and no more once its time is gone', async () => {
  const { runs, now } = stage([100, 100]);
  expect((await takeTurns(runs, { rounds: 5, budgetMs: 150, now }))[0]).toHaveLength(2);
  expect((await takeTurns(runs, { rounds: 5, budgetMs: 500, now }))[0]).toHaveLength(3);
});

it('compares runs of the same round', () => {
  const turns = (...ms: number[]) => ms.map((one) => ({ ms: one, cpuMs: 2 * one }));
  expect(roundRatios(turns(10, 40, 9), turns(5, 10, 9), 'ms')).toEqual([1, 2, 4]);
  expect(roundRatios(turns(10), turns(5), 'cpuMs')).toEqual([2]);
});
