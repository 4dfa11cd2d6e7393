import { expect, it } from 'vitest';
import { geometricMean, median, slope, slopeSpread } from './statistics.js';

it('takes the middle value, by size and not by text', () => {
  expect(median([10, 9, 1])).toBe(9);
  expect(median([100, 20, 3, 4])).toBe(12);
  expect(median([])).toBeNaN();
});

it('leaves its argument as it was', () => {
  const values = [3, 1, 2];
  median(values);
  expect(values).toEqual([3, 1, 2]);
});

it('takes geometric means: twice as fast and half as fast is as fast', () => {
  expect(geometricMean([2, 0.5])).toBeCloseTo(1, 12);
  expect(geometricMean([1, 8, 64])).toBeCloseTo(8, 12);
  expect(geometricMean([])).toBeNaN();
});

it('takes the time of a link from the slope, so that what is the same for both chains cancels', () => {
  const overhead = 1000;
  const chain = (length: number) => ({ length, times: [-1, 0, 5].map((noise) => overhead + 7 * length + noise) });
  expect(slope(chain(2), chain(4))).toBeCloseTo(7, 12);
  expect(slope(chain(2), chain(66))).toBeCloseTo(7, 12);
});

it('is not misled by one run that was disturbed', () => {
  const short = { length: 1, times: [10, 10, 900] };
  const long = { length: 3, times: [30, 30, 30] };
  expect(slope(short, long)).toBe(10);
});

it('refuses chains of one length', () => {
  expect(() => slope({ length: 2, times: [1] }, { length: 2, times: [1] })).toThrow(/two lengths/);
});

it('tells how far rounds disagree, relative to the time', () => {
  const short = { length: 2, times: [10, 10, 10, 10, 10] };
  expect(slopeSpread(short, { length: 4, times: [30, 30, 30, 30, 30] }, 10)).toBe(0);
  // Slopes of 8, 9, 10, 11, 12: the middle half is 9 to 11 wide.
  expect(slopeSpread(short, { length: 4, times: [34, 26, 30, 28, 32] }, 10)).toBeCloseTo(0.2, 12);
});
