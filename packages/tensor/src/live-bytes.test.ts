import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arenaAlignment } from './arena-size.js';
import { liveBytes } from './live-bytes.js';
import type { LoweredNode } from './lower-nodes.js';
import { alignUp, peakLiveBytes } from './planner.js';
import { defaultProfile } from './profile.js';

const count = 12;
const nodes = Array.from({ length: count }, () => ({}) as LoweredNode);
const alignment = arenaAlignment(defaultProfile);
const lifetime = fc
  .record({
    bytes: fc.integer({ min: 16, max: 5000 }),
    a: fc.integer({ min: 0, max: count - 1 }),
    b: fc.integer({ min: 0, max: count - 1 }),
  })
  .map(({ bytes, a, b }) => ({ bytes, first: Math.min(a, b), last: Math.max(a, b) }));

describe('liveBytes', () => {
  it('counts at each node what is alive there', () => {
    fc.assert(
      fc.property(fc.array(lifetime), (spans) => {
        const lifetimes = spans.map((span, id) => ({ id, ...span }));
        const live = liveBytes({ nodes, lifetimes }, defaultProfile);
        const counted = nodes.map((_, i) =>
          lifetimes
            .filter(({ first, last }) => first <= i && i <= last)
            .reduce((sum, { bytes }) => sum + alignUp(bytes, alignment), 0),
        );
        expect(live).toEqual(counted);
        expect(Math.max(...live)).toBe(peakLiveBytes(lifetimes, alignment));
      }),
    );
  });
});
