import { expect, it } from 'vitest';
import { longLength, timeLinks, type Chains } from './chain.js';

const care = { rounds: 4, budgetMs: 60_000, spanMs: 30 };

/** Chains whose runs take a fixed time and some for each link. */
function sleeping(name: string, fixedMs: number, linkMs: number, log: string[] = []): Chains {
  return {
    name,
    build: (length) =>
      Promise.resolve({
        length,
        run: async () => {
          log.push(`${name}${length}`);
          const until = performance.now() + fixedMs + linkMs * length;
          while (performance.now() < until) await Promise.resolve();
        },
        dispose: async () => void log.push(`${name}${length} gone`),
      }),
  };
}

it('makes the long chain long enough to tell links apart, within bounds', () => {
  expect(longLength(2, 30)).toBe(32);
  expect(longLength(1000, 30)).toBe(4);
  expect(longLength(1e-6, 30)).toBe(130);
});

it('reads the time of a link and not the fixed costs', async () => {
  const [time] = await timeLinks([sleeping('a', 5, 2)], care);
  expect(time!.ms).toBeGreaterThan(1.5);
  expect(time!.ms).toBeLessThan(3.5);
});

it('alternates between engines and disposes of every chain', async () => {
  const log: string[] = [];
  await timeLinks([sleeping('a', 0, 3, log), sleeping('b', 0, 3, log)], { ...care, rounds: 3 });
  const timed = log.filter((entry) => !entry.endsWith('gone')).slice(-12);
  const [a2, a, b2, b] = timed;
  expect(timed).toEqual([a2, a, b2, b, a2, a, b2, b, a2, a, b2, b]);
  expect([a2, b2]).toEqual(['a2', 'b2']);
  expect(log.filter((entry) => entry.endsWith('gone'))).toHaveLength(4);
});

it('disposes of what it built when an engine cannot go on', async () => {
  const log: string[] = [];
  const broken: Chains = { name: 'broken', build: () => Promise.reject(new Error('no such op')) };
  await expect(timeLinks([sleeping('a', 0, 1, log), broken], care)).rejects.toThrow('no such op');
  expect(log.filter((entry) => entry.endsWith('gone'))).toHaveLength(2);
});

it('says so when no difference shows, after more rounds than asked for', async () => {
  let runs = 0;
  const chains: Chains = {
    name: 'noise',
    build: (length) =>
      Promise.resolve({
        length,
        run: async () => {
          runs++;
          const until = performance.now() + (length === 2 ? 4 : 1);
          while (performance.now() < until) await Promise.resolve();
        },
        dispose: () => Promise.resolve(),
      }),
  };
  await expect(timeLinks([chains], { ...care, rounds: 3 })).rejects.toThrow(
    /noise: expected a longer chain to take longer/,
  );
  expect(runs - 2 * 9).toBeGreaterThanOrEqual(2 * 3);
  expect(runs - 2 * 9).toBeLessThanOrEqual(2 * 14);
});
