import { expect, test } from 'vitest';
import { Pacer } from './pacer.js';
import { defaultProfile } from './profile.js';

const cost = { flops: 3e7, bytesMoved: 1e5 };
const software = { ...defaultProfile, isSoftware: true };

/** What a run took by a clock that is not there. */
interface Ran {
  readonly wallMs: number;
  readonly sliceMs: readonly number[];
}

/** A machine: how much work by the first guess it does in a millisecond, by the slice's number, and how late timers come. */
interface Machine {
  readonly speed: (slice: number) => number;
  readonly lateMs?: number;
}

/** Runs equal dispatches in slices as the executor does: the next slice begins when this one is known to be done. */
function run(pacer: Pacer, dispatches: number, { speed, lateMs = 0 }: Machine): Ran {
  const work = pacer.workMs(cost);
  const sliceMs: number[] = [];
  for (let left = dispatches; left > 0;) {
    const count = Math.min(left, Math.max(1, Math.floor(pacer.sliceWorkMs / work)));
    const restMs = pacer.sliceRestMs(count * work);
    const tookMs = Math.max(restMs > 0 ? restMs + lateMs : 0, (count * work) / speed(sliceMs.length));
    pacer.learn(count * work, tookMs);
    sliceMs.push(tookMs);
    left -= count;
  }
  return { wallMs: sliceMs.reduce((sum, ms) => sum + ms, 0), sliceMs };
}

test('a pacer settles on what an adapter really does', () => {
  for (const speed of [0.05, 1, 40]) {
    const pacer = new Pacer(software);
    run(pacer, 20_000, { speed: () => speed });
    expect((pacer.expectedMs(cost) / pacer.workMs(cost)) * speed).toBeCloseTo(1, 1);
  }
});

test('one slow slice, or a clock that stood still, does not upset it', () => {
  const pacer = new Pacer(defaultProfile);
  const before = pacer.expectedMs(cost);
  pacer.learn(pacer.workMs(cost), 5000);
  expect(pacer.expectedMs(cost) / before).toBeLessThanOrEqual(2);
  pacer.learn(pacer.workMs(cost), 0);
  pacer.learn(0, 10);
  expect(pacer.expectedMs(cost) / before).toBeLessThanOrEqual(2);
});

test('short slices, which are mostly waiting, do not spoil what long ones teach', () => {
  const pacer = new Pacer(software, true);
  const long = { flops: 1e9, bytesMoved: 0 };
  const work = pacer.workMs(long);
  const took = work / 10;
  for (let i = 0; i < 40; i++) {
    // A slice is not known to be done before its rest is over.
    const restMs = pacer.sliceRestMs(work);
    pacer.learn(work, Math.max(took, restMs));
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
  const slow = new Pacer(software);
  expect(slow.expectedMs(cost)).toBeGreaterThan(new Pacer(defaultProfile).expectedMs(cost) * 10);
});

test('it rests through most of a slice where waiting costs a core, and not at all elsewhere', () => {
  const pacer = new Pacer(defaultProfile, true);
  expect(pacer.restMs(80)).toBeCloseTo(48);
  expect(pacer.restMs(10_000)).toBe(160);
  for (let i = 0; i < 8; i++) pacer.learn(10, 10);
  expect(pacer.restMs(10_000)).toBe(2000);
  expect(pacer.restMs(1)).toBe(0);
  const elsewhere = new Pacer(defaultProfile);
  expect(elsewhere.restMs(80)).toBe(0);
  expect(elsewhere.sliceRestMs(80)).toBe(0);
});

test('no rest is longer than what the fastest slices of late took for as much work', () => {
  const pacer = new Pacer(software, true);
  run(pacer, 400, { speed: () => 1 });
  const work = pacer.sliceWorkMs;
  expect(pacer.sliceRestMs(work)).toBeCloseTo(0.6 * pacer.targetMs, 0);
  // Others take the processor: the same slices take eight times as long.
  for (let i = 0; i < 6; i++) pacer.learn(work, 8 * work);
  expect(pacer.sliceRestMs(work)).toBeLessThan(work);
  expect(pacer.restMs(pacer.expectedMs(cost))).toBeGreaterThan(2 * pacer.sliceRestMs(pacer.workMs(cost)));
});

test('on a busy machine it is as fast as without rests, and goes back to long slices when left alone', () => {
  // Others have the processors in most slices.
  const busy = { speed: (slice: number) => 1 / [1, 2, 16, 4, 30, 1.5, 8][slice % 7]! };
  const dispatches = 2000;
  const pacer = new Pacer(software, true);
  const { wallMs, sliceMs } = run(pacer, dispatches, busy);
  const unrested = run(new Pacer(software), dispatches, busy);
  // 1.08 before rests were held to the fastest slices.
  expect(wallMs).toBeLessThan(1.03 * unrested.wallMs);
  expect(sliceMs.length).toBeLessThan(1.03 * unrested.sliceMs.length);
  // As long as a page can bear, no longer.
  const { sliceMs: after } = run(pacer, dispatches, { speed: () => 1 });
  expect(Math.max(...after)).toBeLessThanOrEqual(1.5 * pacer.targetMs);
  expect(after.slice(-20).reduce((sum, ms) => sum + ms, 0) / 20).toBeGreaterThan(0.7 * pacer.targetMs);
});

test('work that does become slower is believed after a while', () => {
  const pacer = new Pacer(software, true);
  run(pacer, 400, { speed: () => 1 });
  const { sliceMs } = run(pacer, 4000, { speed: () => 1 / 10 });
  expect(Math.max(...sliceMs.slice(-100))).toBeLessThanOrEqual(Math.max(1.5 * pacer.targetMs, 10 * pacer.workMs(cost)));
});

test('a fork begins where its pacer is, and neither teaches the other', () => {
  const pacer = new Pacer(software, true);
  for (let i = 0; i < 10; i++) pacer.learn(10, 20);
  const fork = pacer.fork();
  expect(fork.expectedMs(cost)).toBe(pacer.expectedMs(cost));
  expect(fork.sliceRestMs(100)).toBe(pacer.sliceRestMs(100));
  const before = pacer.expectedMs(cost);
  const restBefore = pacer.sliceRestMs(100);
  for (let i = 0; i < 4; i++) fork.learn(10, 2);
  expect(fork.expectedMs(cost)).toBeLessThan(before);
  expect(fork.sliceRestMs(100)).toBeLessThan(restBefore);
  expect(pacer.expectedMs(cost)).toBe(before);
  expect(pacer.sliceRestMs(100)).toBe(restBefore);
});
