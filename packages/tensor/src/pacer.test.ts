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
    const sleptMs = restMs > 0 ? restMs + lateMs : 0;
    const tookMs = Math.max(sleptMs, (count * work) / speed(sliceMs.length));
    pacer.learn(count * work, tookMs, sleptMs);
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
    pacer.learn(work, Math.max(took, restMs), restMs);
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

test('a slice that was done before its rest was over halves the next rests, others lengthen them slowly', () => {
  const pacer = new Pacer(software, true);
  run(pacer, 400, { speed: () => 1 });
  const work = pacer.sliceWorkMs;
  expect(pacer.sliceRestMs(work)).toBeCloseTo(0.6 * pacer.targetMs, 0);
  pacer.learn(work, 49, 48);
  const halved = pacer.sliceRestMs(work);
  expect(halved).toBeLessThan(0.31 * pacer.targetMs);
  pacer.learn(work, 80, halved);
  expect(pacer.sliceRestMs(work)).toBeGreaterThan(halved);
  run(pacer, 2000, { speed: () => 1 });
  expect(pacer.sliceRestMs(pacer.sliceWorkMs)).toBeCloseTo(0.6 * pacer.targetMs, 0);
});

test.each([
  [
    'others have the processors in most slices',
    { speed: (n: number) => 1 / [1, 2, 16, 4, 30, 1.5, 8][n % 7]!, lateMs: 10 },
  ],
  [
    'every second slice is of kernels that are eight times slower',
    { speed: (n: number) => 1 / (n % 2 ? 1 : 8), lateMs: 1 },
  ],
  ['timers come late', { speed: () => 1, lateMs: 40 }],
])('rests cost little where %s, and slices stay as long as without', (_, machine) => {
  const dispatches = 2000;
  const pacer = new Pacer(software, true);
  const { wallMs, sliceMs } = run(pacer, dispatches, machine);
  const unrested = run(new Pacer(software), dispatches, machine);
  expect(wallMs).toBeLessThan(1.1 * unrested.wallMs);
  expect(sliceMs.length).toBeLessThan(1.1 * unrested.sliceMs.length);
  // And when the machine is left alone again they are as long as a page can bear, no longer.
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
  for (let i = 0; i < 4; i++) fork.learn(10, 3, 2);
  expect(fork.expectedMs(cost)).toBeLessThan(before);
  expect(fork.sliceRestMs(100)).toBeLessThan(restBefore);
  expect(pacer.expectedMs(cost)).toBe(before);
  expect(pacer.sliceRestMs(100)).toBe(restBefore);
});
