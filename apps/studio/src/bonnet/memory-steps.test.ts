import type { ModeMemory, PartMemory } from 'pleinair';
import { expect, it } from 'vitest';
import { memorySteps, stairs } from './memory-steps.js';

const part = (name: string, live: readonly number[]): PartMemory => ({
  part: name,
  kind: 'denoiser',
  weightsBytes: 10,
  heldWeightsBytes: 10,
  persistentBytes: 2,
  intermediatesBytes: 5,
  isKept: false,
  segments: [
    {
      segment: 'step',
      weightsBytes: 10,
      persistentBytes: 2,
      arenaBytes: 5,
      live,
      labels: live.map((_, i) => `${name}.${i}`),
    },
  ],
});
const mode: ModeMemory = { mode: 'low', peakBytes: 17, parts: [part('a', [1, 5]), part('b', [3])] };

it('goes through a run node by node', () => {
  const { steps, stretches } = memorySteps(mode);
  expect(steps.map(({ label, live }) => [label, live])).toEqual([
    ['a.0', 1],
    ['a.1', 5],
    ['b.0', 3],
  ]);
  expect(stretches).toEqual([
    { part: 'a', first: 0, count: 2 },
    { part: 'b', first: 2, count: 1 },
  ]);
});

it('draws stairs between what lies below and what is held', () => {
  const { steps } = memorySteps(mode);
  const path = stairs(
    steps,
    () => 12,
    ({ live }) => 12 + live,
    (index) => index * 10,
    (bytes) => 20 - bytes,
  );
  expect(path).toBe('M0 7H10V3H20V5H30V8H0Z');
  expect(
    stairs(
      [],
      () => 0,
      () => 1,
      Number,
      Number,
    ),
  ).toBe('');
});
