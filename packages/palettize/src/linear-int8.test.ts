import { randomArray } from '@pleinair/testing';
import { describe, expect, it } from 'vitest';
import { linearInt8, publishedLinearInt8, type LinearInt8Scheme } from './linear-int8.js';

const schemes: LinearInt8Scheme[] = (['last-axis', 'output-channel'] as const).flatMap((per) =>
  (['asymmetric', 'symmetric'] as const).map((range) => ({ per, range })),
);

describe('linearInt8', () => {
  it.each(schemes)('errs at most one step of its slice ($per, $range)', (scheme) => {
    const shape = [5, 3, 2, 3];
    const values = randomArray(90, 1, 0.2);
    const decoded = linearInt8(values, shape, scheme);
    const sliceOf = (i: number) => (scheme.per === 'last-axis' ? i % 3 : Math.floor(i / 18));
    const steps = new Map<number, number>();
    for (let slice = 0; slice < 5; slice++) {
      const own = [...values].filter((_, i) => sliceOf(i) === slice);
      if (own.length === 0) continue;
      const [low, high] = [Math.min(0, ...own), Math.max(0, ...own)];
      steps.set(slice, scheme.range === 'symmetric' ? Math.max(-low, high) / 127 : (high - low) / 255);
    }
    decoded.forEach((value, i) => {
      // Half a step of rounding, half a step by which the rounded zero point shifts the ends.
      expect(Math.abs(value - values[i]!)).toBeLessThanOrEqual(steps.get(sliceOf(i))! * 1.0001);
    });
    for (const slice of steps.keys()) {
      expect(new Set([...decoded].filter((_, i) => sliceOf(i) === slice)).size).toBeGreaterThan(8);
    }
  });

  it('shares a scale along the last axis as published: a large weight spoils its column, not its row', () => {
    const values = Float32Array.of(100, 0.01, 0.02, 0.01);
    const decoded = linearInt8(values, [2, 2], publishedLinearInt8);
    expect(decoded[2]).toBe(0);
    expect(decoded[3]).toBeCloseTo(0.01, 5);
    const perOutput = linearInt8(values, [2, 2], { per: 'output-channel', range: 'symmetric' });
    expect(perOutput[1]).toBe(0);
    expect(perOutput[2]).toBeCloseTo(0.02, 5);
  });

  it('rounds halves to even codes, and leaves zeros alone', () => {
    const step = 1 / 128;
    const values = Float32Array.of(127 * step, 2.5 * step, 3.5 * step, -1.5 * step);
    const decoded = linearInt8(values, [1, 4], { per: 'output-channel', range: 'symmetric' });
    expect([...decoded]).toEqual([127, 2, 4, -2].map((code) => code * step));
    expect([...linearInt8(new Float32Array(4), [2, 2], publishedLinearInt8)]).toEqual([0, 0, 0, 0]);
  });

  it('refuses values that are not the shape', () => {
    expect(() => linearInt8(new Float32Array(5), [2, 3], publishedLinearInt8)).toThrow(/expected 6 values/);
  });
});
