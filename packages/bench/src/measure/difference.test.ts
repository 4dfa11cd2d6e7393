import { expect, it } from 'vitest';
import { expectSame, relativeDifference } from './difference.js';

it('is relative to the second', () => {
  expect(relativeDifference([2, 2], [1, 1])).toBeCloseTo(1, 12);
  expect(relativeDifference([3, 4], [3, 4])).toBe(0);
  expect(relativeDifference([0, 0], [3, 4])).toBeCloseTo(1, 12);
});

it('refuses outputs that differ, are not numbers, or are not of one size', () => {
  expect(() => expectSame('conv', 0.01, 'f32')).toThrow(/at most 0.001, got 0.01/);
  expect(() => expectSame('conv', NaN, 'f32')).toThrow();
  expect(() => expectSame('conv', 0.01, 'f16')).not.toThrow();
  expect(() => relativeDifference([1], [1, 2])).toThrow(/1 and 2/);
});
