import { randomArray } from '@pleinair/testing';
import { describe, expect, it } from 'vitest';
import { allocate, lowerHull, type Choice } from './allocate.js';

function total(layers: readonly (readonly Choice[])[], chosen: readonly number[], what: keyof Choice): number {
  return chosen.reduce((sum, at, layer) => sum + layers[layer]![at]![what], 0);
}

/** Layers whose errors fall with their bits, each at its own pace. */
function randomLayers(count: number, seed: number): Choice[][] {
  const random = randomArray(count * 10, seed, 1).map((value) => Math.abs(value));
  return Array.from({ length: count }, (_, layer) =>
    [1, 2, 3, 4].map((bits, i) => ({
      stored: bits * (1 + Math.round(8 * random[layer * 10]!)),
      error: random[layer * 10 + 1 + i]! * 4 ** -bits,
    })),
  );
}

/** The least error of any choice within a budget, by trying all. */
function least(layers: readonly (readonly Choice[])[], budget: number): number {
  const [first, ...rest] = layers;
  if (!first) return budget >= 0 ? 0 : Infinity;
  return Math.min(...first.map(({ stored, error }) => error + least(rest, budget - stored)));
}

describe('allocate', () => {
  it('is within one step of the best there is, and within the budget', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const layers = randomLayers(6, seed);
      const smallest = layers.reduce((sum, choices) => sum + Math.min(...choices.map(({ stored }) => stored)), 0);
      for (const budget of [smallest, smallest + 3, smallest + 10, smallest + 25, 1000]) {
        const chosen = allocate(layers, budget);
        expect(total(layers, chosen, 'stored')).toBeLessThanOrEqual(budget);
        const largestStep = Math.max(...layers.flatMap((choices) => choices.map(({ error }) => error)));
        expect(total(layers, chosen, 'error')).toBeLessThanOrEqual(least(layers, budget) + largestStep);
      }
      expect(total(layers, allocate(layers, 1000), 'error')).toBeCloseTo(least(layers, 1000), 12);
    }
  });

  it('gives bits where they save most', () => {
    const layer = (error: number): Choice[] =>
      [1, 2, 4].map((bits) => ({ stored: bits * 100, error: error / 4 ** bits }));
    expect(allocate([layer(1), layer(1000), layer(1)], 600)).toEqual([0, 2, 0]);
    expect(allocate([layer(1), layer(1), layer(1)], 600)).toEqual([1, 1, 1]);
    expect(allocate([layer(1), layer(1)], 10)).toEqual([0, 0]);
    expect(allocate([], 10)).toEqual([]);
  });

  it('fills the room that a step too large leaves', () => {
    const large: Choice[] = [
      { stored: 10, error: 100 },
      { stored: 100, error: 1 },
    ];
    const small: Choice[] = [
      { stored: 10, error: 2 },
      { stored: 20, error: 1 },
    ];
    expect(allocate([large, small], 40)).toEqual([0, 1]);
  });
});

describe('lowerHull', () => {
  it('leaves out what is larger and worse, and what lies above the line between neighbours', () => {
    const choices = [
      [40, 1],
      [10, 16],
      [30, 9],
      [20, 10],
      [50, 2],
      [20, 11],
    ].map(([stored, error]) => ({ stored: stored!, error: error! }));
    expect(lowerHull(choices)).toEqual([1, 3, 0]);
  });
});
