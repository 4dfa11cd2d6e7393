import { expect, test } from 'vitest';
import { Pacer } from './pacer.js';
import { defaultProfile } from './profile.js';

const cost = { flops: 3e7, bytesMoved: 1e5 };

test('a pacer settles on what an adapter really does', () => {
  for (const speed of [0.05, 1, 40]) {
    const pacer = new Pacer({ ...defaultProfile, isSoftware: true });
    const took = pacer.expectedMs(cost) / speed;
    for (let i = 0; i < 40; i++) {
      const dispatches = Math.max(1, Math.floor(pacer.targetMs / pacer.expectedMs(cost)));
      pacer.learn(dispatches * pacer.expectedMs(cost), dispatches * took);
    }
    expect(pacer.expectedMs(cost) / took).toBeCloseTo(1, 1);
  }
});

test('one slow slice, or a clock that stood still, does not upset it', () => {
  const pacer = new Pacer(defaultProfile);
  const before = pacer.expectedMs(cost);
  pacer.learn(before, 5000);
  expect(pacer.expectedMs(cost) / before).toBeLessThanOrEqual(2);
  pacer.learn(before, 0);
  pacer.learn(0, 10);
  expect(pacer.expectedMs(cost) / before).toBeLessThanOrEqual(2);
});

test('short slices, which are mostly waiting, do not spoil what long ones teach', () => {
  const pacer = new Pacer({ ...defaultProfile, isSoftware: true }, true);
  const long = { flops: 1e9, bytesMoved: 0 };
  const took = pacer.expectedMs(long) / 10;
  for (let i = 0; i < 40; i++) {
    const expected = pacer.expectedMs(long);
    // A slice is not known to be done before its rest is over.
    pacer.learn(expected, Math.max(took, pacer.restMs(expected)));
    pacer.learn(2, 5);
  }
  expect(pacer.expectedMs(long)).toBeLessThan(1.3 * took);
});

test('goes by the work that is done, not by what the direct algorithm would do', () => {
  const pacer = new Pacer(defaultProfile);
  const direct = { ...cost, flops: 4 * cost.flops };
  expect(pacer.expectedMs({ ...direct, executedFlops: cost.flops })).toBe(pacer.expectedMs(cost));
  expect(pacer.expectedMs(direct)).toBeGreaterThan(pacer.expectedMs(cost));
});

test('software adapters get shorter slices of work to begin with', () => {
  const slow = new Pacer({ ...defaultProfile, isSoftware: true });
  expect(slow.expectedMs(cost)).toBeGreaterThan(new Pacer(defaultProfile).expectedMs(cost) * 10);
});

test('it rests through most of a slice where waiting costs a core, and not at all elsewhere', () => {
  const pacer = new Pacer(defaultProfile, true);
  expect(pacer.restMs(80)).toBeCloseTo(48);
  expect(pacer.restMs(10_000)).toBe(160);
  for (let i = 0; i < 8; i++) pacer.learn(10, 10);
  expect(pacer.restMs(10_000)).toBe(2000);
  expect(pacer.restMs(1)).toBe(0);
  expect(new Pacer(defaultProfile).restMs(80)).toBe(0);
});

test('a fork begins where its pacer is, and neither teaches the other', () => {
  const pacer = new Pacer(defaultProfile, true);
  for (let i = 0; i < 10; i++) pacer.learn(10, 20);
  const fork = pacer.fork();
  expect(fork.expectedMs(cost)).toBe(pacer.expectedMs(cost));
  expect(fork.restMs(10_000)).toBe(2000);
  const before = pacer.expectedMs(cost);
  fork.learn(10, 5);
  expect(fork.expectedMs(cost)).toBeLessThan(before);
  expect(pacer.expectedMs(cost)).toBe(before);
});
