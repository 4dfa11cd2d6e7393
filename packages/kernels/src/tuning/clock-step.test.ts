import { expect, it } from 'vitest';
import { clockStepMs } from './clock-step.js';

it.each([0.1, 1])('finds that a clock goes in steps of %d ms', (step) => {
  let calls = 0;
  expect(clockStepMs(() => Math.floor(calls++ / 7) * step)).toBeCloseTo(step, 9);
});

it('finds next to nothing where the clock is fine', () => {
  expect(clockStepMs()).toBeLessThan(1);
});
