import { fromHalfArray, toHalfArray } from '@pleinair/tensor';
import { randomArray } from '@pleinair/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { optimalClusters } from './optimal-clusters.js';
import { penalisedClusters } from './penalised-clusters.js';
import { prefixSums } from './prefix-sums.js';

/** Σ w (x − mean)², straight from the definition. */
function errorOf(values: ArrayLike<number>, weights: ArrayLike<number>, from: number, to: number): number {
  let [w, wx] = [0, 0];
  for (let i = from; i < to; i++) {
    w += weights[i]!;
    wx += weights[i]! * values[i]!;
  }
  let error = 0;
  for (let i = from; i < to; i++) error += weights[i]! * (values[i]! - wx / w) ** 2;
  return error;
}

/** The least error in `count` runs, trying every start of every last run. */
function leastError(values: Float64Array, weights: Float64Array, count: number): number {
  const n = values.length;
  let best = Array.from({ length: n + 1 }, (_, i) => (i === 0 ? 0 : Infinity));
  for (let runs = 1; runs <= count; runs++) {
    best = best.map((_, i) =>
      i === 0 ? Infinity : Math.min(...best.slice(0, i).map((before, j) => before + errorOf(values, weights, j, i))),
    );
  }
  return best[n]!;
}

function medianOf(values: Float64Array, weights: Float64Array): number {
  const total = weights.reduce((a, b) => a + b, 0);
  let below = 0;
  return values.find((_, i) => (below += weights[i]!) >= total / 2)!;
}

function checkCut(values: Float64Array, weights: Float64Array, count: number, ends: readonly number[], error: number) {
  expect(ends).toHaveLength(count);
  expect(ends.at(-1)).toBe(values.length);
  ends.forEach((end, i) => expect(end).toBeGreaterThan(ends[i - 1] ?? 0));
  const own = ends.reduce((sum, end, i) => sum + errorOf(values, weights, ends[i - 1] ?? 0, end), 0);
  // Sums of n terms lose about n roundings of Σ w x²; about zero here, about another of the values there.
  const squares = (origin: number) => values.reduce((sum, value, i) => sum + weights[i]! * (value - origin) ** 2, 0);
  const allowed = values.length * 2 ** -50 * Math.max(squares(0), squares(medianOf(values, weights)));
  expect(Math.abs(own - error)).toBeLessThanOrEqual(allowed);
  return { own, allowed };
}

const distributions = fc
  .uniqueArray(fc.integer({ min: -0x7bff, max: 0x7bff }), { minLength: 1, maxLength: 40 })
  .chain((keys) =>
    fc.record({
      values: fc.constant(
        Float64Array.from(
          keys.toSorted((a, b) => a - b),
          (key) => fromHalfArray(Uint16Array.of(key < 0 ? 0x8000 - key : key))[0]!,
        ),
      ),
      weights: fc
        .array(fc.double({ min: 0.5, max: 1e6, noNaN: true }), { minLength: keys.length, maxLength: keys.length })
        .map((weights) => Float64Array.from(weights)),
    }),
  );

describe('optimalClusters', () => {
  it('finds the least error there is, as trying everything does', () => {
    fc.assert(
      fc.property(distributions, fc.integer({ min: 1, max: 40 }), ({ values, weights }, wanted) => {
        const count = Math.min(wanted, values.length);
        const [found] = optimalClusters(values, weights, [wanted]);
        const { own, allowed } = checkCut(values, weights, count, found!.ends, found!.error);
        expect(own).toBeLessThanOrEqual(leastError(values, weights, count) + allowed);
      }),
      { numRuns: 300, seed: 7 },
    );
  });

  it('finds by the penalty what the table finds, and all numbers at once what each alone gives', () => {
    const halves = [...new Set(toHalfArray(randomArray(700, 3, 0.1)))];
    const values = Float64Array.from(fromHalfArray(Uint16Array.from(halves))).sort();
    const weights = Float64Array.from(randomArray(values.length, 4), (x) => Math.exp(3 * x));
    const counts = [1, 2, 3, 8, 9, 16, 64, 256];
    const together = optimalClusters(values, weights, counts);
    counts.forEach((count, i) => {
      const [alone] = optimalClusters(values, weights, [count]);
      expect(together[i]).toEqual(alone);
      checkCut(values, weights, count, alone!.ends, alone!.error);
    });
    for (const count of [2, 5, 8]) {
      const ends = penalisedClusters(prefixSums(values, weights), values.length, count);
      expect(ends).toEqual(optimalClusters(values, weights, [count])[0]!.ends);
    }
  });

  it('finds evenly spaced values of equal weight too, where no penalty gives the number', () => {
    const values = Float64Array.from({ length: 50 }, (_, i) => i / 64);
    const weights = new Float64Array(50).fill(3);
    expect(penalisedClusters(prefixSums(values, weights), 50, 20)).toBeUndefined();
    const [found] = optimalClusters(values, weights, [20]);
    const { own, allowed } = checkCut(values, weights, 20, found!.ends, found!.error);
    expect(own).toBeLessThanOrEqual(leastError(values, weights, 20) + allowed);
  });

  it('gives each value its own cluster, at no error, where there are no more values than clusters', () => {
    const found = optimalClusters(Float64Array.of(-2, 0.5, 9), Float64Array.of(1, 5, 2), [3, 4, 256]);
    for (const { ends, error } of found) {
      expect(ends).toEqual([1, 2, 3]);
      expect(error).toBe(0);
    }
    expect(optimalClusters(Float64Array.of(7), Float64Array.of(2), [1, 2])).toEqual([
      { ends: [1], error: 0 },
      { ends: [1], error: 0 },
    ]);
  });

  it('moves a cluster to the weight', () => {
    const values = Float64Array.of(0, 1, 2, 10);
    expect(optimalClusters(values, Float64Array.of(1, 1, 1, 1), [2])[0]!.ends).toEqual([3, 4]);
    expect(optimalClusters(values, Float64Array.of(1e6, 1e6, 1, 1), [2])[0]!.ends).toEqual([1, 4]);
  });
});
