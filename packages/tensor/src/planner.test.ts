import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { alignUp, peakLiveBytes, planArena, planWholeBuffers, type Lifetime, type Placement } from './planner.js';

const lifetimes = fc
  .array(fc.record({ bytes: fc.integer({ min: 1, max: 5000 }), first: fc.nat(40), span: fc.nat(12) }), {
    minLength: 1,
    maxLength: 60,
  })
  .map((list) => list.map(({ bytes, first, span }, id): Lifetime => ({ id, bytes, first, last: first + span })));

function expectSound(tensors: readonly Lifetime[], { offsets, bytes }: Placement, alignment: number): void {
  for (const a of tensors) {
    const start = offsets.get(a.id)!;
    expect(start % alignment).toBe(0);
    expect(start + alignUp(a.bytes, alignment)).toBeLessThanOrEqual(bytes);
    for (const b of tensors) {
      if (b.id <= a.id || a.last < b.first || b.last < a.first) continue;
      const other = offsets.get(b.id)!;
      expect(start + a.bytes <= other || other + b.bytes <= start).toBe(true);
    }
  }
}

describe('the arena planner', () => {
  test('never lets two tensors that live at once overlap, keeps alignment, stays between bound and sum', () => {
    fc.assert(
      fc.property(lifetimes, fc.constantFrom(16, 256), (tensors, alignment) => {
        const placement = planArena(tensors, alignment);
        expectSound(tensors, placement, alignment);
        expect(placement.bytes).toBeGreaterThanOrEqual(peakLiveBytes(tensors, alignment));
        expect(placement.bytes).toBeLessThanOrEqual(tensors.reduce((sum, t) => sum + alignUp(t.bytes, alignment), 0));
      }),
    );
  });

  test('never lets a tensor lie across a page', () => {
    fc.assert(
      fc.property(lifetimes, fc.constantFrom(5120, 8192, 20480), (tensors, page) => {
        const placement = planArena(tensors, 256, page);
        expectSound(tensors, placement, 256);
        for (const { id, bytes } of tensors) {
          const start = placement.offsets.get(id)!;
          expect(Math.floor(start / page)).toBe(Math.floor((start + bytes - 1) / page));
        }
      }),
    );
  });

  test('gives the same placement for the same tensors', () => {
    fc.assert(
      fc.property(lifetimes, (tensors) => {
        expect([...planArena(tensors, 16).offsets]).toEqual([...planArena(tensors, 16).offsets]);
      }),
    );
  });

  test('a chain of layers takes two neighbours’ room', () => {
    const chain = Array.from({ length: 50 }, (_, id) => ({ id, bytes: 1024, first: id, last: id + 1 }));
    expect(planArena(chain, 256).bytes).toBe(2048);
  });

  test('a U of skips reaches its bound', () => {
    const depth = 6;
    const down = Array.from({ length: depth }, (_, i) => ({ bytes: 4096 >> i, first: i, last: 2 * depth - i }));
    const up = Array.from({ length: depth }, (_, i) => ({
      bytes: 4096 >> (depth - 1 - i),
      first: depth + i,
      last: depth + i + 1,
    }));
    const tensors = [...down, ...up].map(({ bytes, first, last }, id) => ({ id, bytes, first, last }));
    expect(planArena(tensors, 16).bytes).toBe(peakLiveBytes(tensors, 16));
  });

  test('nothing to place takes nothing', () => {
    expect(planArena([], 256)).toEqual({ offsets: new Map(), bytes: 0 });
    expect(peakLiveBytes([], 256)).toBe(0);
    expect(planWholeBuffers([], 256)).toBe(0);
  });

  test('3,000 tensors of a U-shaped network are placed within a second of processor time', () => {
    const n = 3000;
    const tensors = Array.from({ length: n }, (_, id) => ({
      id,
      bytes: 256 * (1 + ((id * 7919) % 4001)),
      first: id,
      last: id % 40 === 0 && id < n / 2 ? n - id : id + 1 + (id % 5),
    }));
    const before = process.cpuUsage(); // not the clock: the machine may be busy with other tests
    const placement = planArena(tensors, 256);
    expect(process.cpuUsage(before).user).toBeLessThan(1e6);
    expect(placement.bytes).toBeLessThan(1.2 * peakLiveBytes(tensors, 256));
  });
});

test('whole buffers are never smaller than what is alive at once', () => {
  fc.assert(
    fc.property(lifetimes, (tensors) => {
      expect(planWholeBuffers(tensors, 16)).toBeGreaterThanOrEqual(peakLiveBytes(tensors, 16));
    }),
  );
});
