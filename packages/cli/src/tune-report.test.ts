import type { TunedShape, Tuning } from 'pleinair';
import { describe, expect, it } from 'vitest';
import { tuneReport, tuneTable } from './tune-report.js';

const node = { op: 'linear', label: 'l', inputs: [], weights: [], outputs: [], lower: () => [] };

function tuned(shape: string, runs: number, record?: Partial<NonNullable<TunedShape['record']>>): TunedShape {
  const names = ['plain', 'fast', 'broken'];
  const rest = {
    op: 'linear',
    part: 'unet',
    node,
    inPlace: false,
    room: 0,
    names,
    basis: 'b',
    count: 3,
    expectedMs: 1,
  };
  const kernels = Object.fromEntries(names.map((name) => [name, name]));
  const full = record && {
    shape,
    basis: 'b',
    heuristic: 'plain',
    kernels,
    times: {},
    extent: 'all' as const,
    at: 1,
    ...record,
  };
  return { subject: { shape, runs, flops: 4e6, ...rest }, record: full, winner: full?.winner, isNew: true };
}

const tuning: Tuning = {
  pick: () => undefined,
  ms: 1000,
  notes: [],
  shapes: [
    // Read at other moments: what counts is the share, of readings taken in turn.
    tuned('first', 10, { times: { plain: 2, fast: 3, broken: null }, winner: 'fast', winnerShare: 0.5 }),
    tuned('second', 60, { times: { plain: 1, fast: 3 } }),
    tuned('never reached', 5),
  ],
};

describe('what pleinair tune reports', () => {
  const report = tuneReport(tuning, 8);

  it('is each shape’s share of the time, winner, rate and share of the peak, the dearest first', () => {
    expect(report.shapes.map(({ shape }) => shape)).toEqual(['second', 'first', 'never reached']);
    const [second, first, never] = report.shapes;
    expect(first).toMatchObject({ heuristic: 'plain', winner: 'fast', ms: 1, speedup: 2, gflops: 4, shareOfPeak: 0.5 });
    expect(first!.share).toBeCloseTo(20 / 80, 9);
    expect(first!.times).toEqual([
      ['plain', 2],
      ['fast', 3],
      ['broken', null],
    ]);
    expect(second).toMatchObject({ winner: 'plain', ms: 1, speedup: 1 });
    expect(never).toMatchObject({ winner: undefined, ms: undefined, shareOfPeak: undefined, times: [] });
    expect(report).toMatchObject({ heuristicMs: 80, winnerMs: 70 });
  });

  it('is a table for people', () => {
    const lines = tuneTable(report).split('\n');
    expect(lines[0]).toMatch(/^shape +nodes +share +winner +ms +gain +GFLOP\/s +of peak$/);
    expect(lines[1]).toMatch(/^second +3 +75 % +plain +1\.00 +4\.00 +50 %$/);
    expect(lines[2]).toBe('  fast 3.00');
    expect(lines[3]).toMatch(/^first +3 +25 % +fast +1\.00 +2\.00× +4\.00 +50 %$/);
    expect(lines[4]).toBe('  plain 2.00 · broken fails');
    expect(lines[5]).toBe('1 of 3 shapes: not timed');
    expect(tuneTable(report)).toContain('80 ms a picture by heuristics, 70 ms by the winners (1.14×)');
  });

  it('says so where nothing was timed', () => {
    const { shapes } = tuning;
    expect(tuneTable(tuneReport({ ...tuning, shapes: shapes.slice(2) }, 8))).toContain('nothing was timed');
  });
});
