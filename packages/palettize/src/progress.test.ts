import { expect, it } from 'vitest';
import { ProgressMeter, type Progress } from './progress.js';

it('tells the time left at the pace of what was done now', () => {
  let now = 1000;
  const told: Progress[] = [];
  const meter = new ProgressMeter(
    10,
    (progress) => told.push(progress),
    () => now,
  );
  meter.skip(4);
  now += 2000;
  meter.add(1);
  now += 1000;
  meter.add(2);
  expect(told).toEqual([
    { done: 4, total: 10, secondsLeft: undefined },
    { done: 5, total: 10, secondsLeft: 10 },
    { done: 7, total: 10, secondsLeft: 3 },
  ]);
});
