import type { Dispatch, LoweredNode } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { familyTimes, type ProfiledKernel } from './kernel-profile.js';
import { plannedTimes } from './profile-part.js';

function dispatch(name: string, flops: number): Dispatch {
  const kernel = { name, key: name, wgsl: '', bindings: [], uniformBytes: 0 };
  return { kernel, bindings: [], workgroups: [1, 1, 1], flops, bytesMoved: 2 * flops };
}

function lowered(op: string, label: string, dispatches: readonly Dispatch[]): LoweredNode {
  const node = { op, label, inputs: [], outputs: [], weights: [], lower: () => [...dispatches] };
  return { node, dispatches, scratch: [], inPlace: false, room: undefined, choices: new Map() };
}

describe('plannedTimes', () => {
  const nodes = [
    lowered('linear', 'a.to_q', [dispatch('matmul/tiled', 30)]),
    lowered('groupNorm', 'b.norm', [dispatch('norm/partial', 5), dispatch('norm/apply', 15)]),
  ];

  it('divides a time by expected work and keeps the order', () => {
    const times = plannedTimes({ nodes }, 10, ({ flops }) => flops);
    expect(times.map(({ kernel, label, ms }) => [kernel, label, ms])).toEqual([
      ['matmul/tiled', 'a.to_q', 6],
      ['norm/partial', 'b.norm', 1],
      ['norm/apply', 'b.norm', 3],
    ]);
    expect(times.reduce((sum, { ms }) => sum + ms, 0)).toBeCloseTo(10, 12);
  });

  it('has nothing to divide where nothing is dispatched', () => {
    expect(plannedTimes({ nodes: [] }, 10, () => 1)).toEqual([]);
    expect(plannedTimes({ nodes }, 10, () => 0).every(({ ms }) => ms === 0)).toBe(true);
  });
});

describe('familyTimes', () => {
  it('sums dispatches, the longest family first', () => {
    const kernel = (family: string, ms: number): ProfiledKernel => ({
      op: '',
      label: '',
      family,
      variant: 'x',
      ms,
      flops: 10,
      bytesMoved: 20,
    });
    expect(familyTimes([kernel('norm', 1), kernel('matmul', 2), kernel('matmul', 5)])).toEqual([
      { family: 'matmul', dispatches: 2, ms: 7, share: 7 / 8, flops: 20, bytesMoved: 40 },
      { family: 'norm', dispatches: 1, ms: 1, share: 1 / 8, flops: 10, bytesMoved: 20 },
    ]);
    expect(familyTimes([])).toEqual([]);
  });
});
