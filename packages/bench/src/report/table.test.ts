import { expect, it } from 'vitest';
import { peakLines, resultLine, resultTable, summaryLines } from './table.js';
import type { BenchResult } from './report.js';

const result: BenchResult = {
  suite: 'conv',
  shape: 'a shape',
  variant: 'winograd4',
  ms: 12.345,
  spread: 0.1,
  gflops: 34.56,
  shareOfPeak: 0.5,
  peer: { name: 'ORT', ms: 24.69 },
  ratio: 2,
  difference: 1e-6,
};

it('puts all that is known of a result into its line', () => {
  expect(resultLine(result)).toMatch(
    /^conv +a shape +12\.3 ms +34\.6 GFLOP\/s +50 % of limit +± +5 % +ORT +24\.7 ms +2\.00× +Δ 1e-6 +winograd4$/,
  );
  expect(resultLine({ ...result, chosen: true })).toMatch(/winograd4 \(chosen\)$/);
  expect(resultLine({ suite: 's', shape: 'x', variant: 'v', ms: 1 })).not.toMatch(/undefined|NaN/);
});

it('lines columns up whatever their widths, and leaves unknown cells empty', () => {
  const { peer, ratio, ...alone } = result;
  const longer: BenchResult = { suite: 's', shape: 'a longer shape', variant: 'v', ms: 1000 };
  const table = resultTable([alone, longer]).split('\n');
  expect(table).toHaveLength(3);
  expect(table[0]).toMatch(/^shape +variant +ms +GFLOP\/s +of limit +spread$/);
  expect(table[1]).toMatch(/^a shape +winograd4 +12\.3 +34\.6 +50 % +±5 %$/);
  const compared = resultTable([{ ...alone, peer, ratio }, longer]).split('\n');
  expect(compared[0]).toMatch(/ spread +faster than$/);
  expect(compared[1]).toMatch(/ ±5 % +2\.00× ORT$/);
  expect(new Set(table.map((line) => line.length)).size).toBe(1);
});

it('states best and middle of the readings of each limit', () => {
  const peak = { best: 50, median: 40, least: 10, unit: 'GFLOP/s' as const, readings: 7, how: '8 chains' };
  const lines = peakLines({ fma: peak, copy: { ...peak, unit: 'GB/s', readings: 1 } });
  expect(lines[0]).toBe('fma f32  50.0 GFLOP/s at best, 40.0 in the middle of 7 readings (8 chains)');
  expect(lines[1]).toContain('of 1 reading (');
});

it('sums up a comparison, and says nothing without one', () => {
  expect(summaryLines({ suites: {} })).toEqual([]);
  const suites = { conv: { geomeanRatio: 2, minRatio: 1.5 } };
  expect(summaryLines({ geomeanRatio: 2, minRatio: 1.5, suites }).at(-1)).toMatch(
    /^all +geometric mean 2\.00×, least 1\.50×/,
  );
});
