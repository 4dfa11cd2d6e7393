import { expect, it } from 'vitest';
import {
  halvesPeer,
  shareOfPeak,
  summarise,
  toReport,
  withShare,
  type BenchResult,
  type Peak,
  type Peaks,
} from './report.js';

const result = (suite: string, ratio?: number): BenchResult => ({ suite, shape: 's', variant: 'v', ms: 1, ratio });

it('weighs suites alike, however many shapes they have', () => {
  const summary = summarise([result('conv', 4), result('conv', 4), result('conv', 4), result('norm', 1)]);
  expect(summary.geomeanRatio).toBeCloseTo(2, 12);
  expect(summary.minRatio).toBe(1);
  expect(summary.suites['conv']!.geomeanRatio).toBeCloseTo(4, 12);
  expect(summary.suites['norm']).toEqual({ geomeanRatio: 1, minRatio: 1 });
});

it('takes the geometric mean within a suite', () => {
  expect(summarise([result('conv', 1), result('conv', 9)]).geomeanRatio).toBeCloseTo(3, 12);
});

it('leaves out results without a peer, and says nothing when none has one', () => {
  expect(summarise([result('conv', 3), result('conv')]).minRatio).toBe(3);
  expect(summarise([result('conv')])).toEqual({ suites: {} });
});

const peak = (best: number, unit: Peak['unit']): Peak => ({
  best,
  median: best / 2,
  least: best / 4,
  unit,
  readings: 3,
  how: 'a loop',
});
const peaks: Peaks = { fma: peak(20, 'GFLOP/s'), copy: peak(10, 'GB/s') };

it('holds a kernel to the nearer limit', () => {
  expect(shareOfPeak({ flops: 20e9, bytesMoved: 1e9, ms: 2000 }, peaks)).toBeCloseTo(0.5, 12);
  expect(shareOfPeak({ flops: 1e9, bytesMoved: 10e9, ms: 4000 }, peaks)).toBeCloseTo(0.25, 12);
});

it('tells shares by the last peaks, not by those known when a shape was timed', () => {
  const early = withShare({ ...result('conv', 2), ms: 2000, flops: 20e9, bytesMoved: 1e9 }, peaks);
  expect(early.shareOfPeak).toBeCloseTo(0.5, 12);
  const report = toReport(
    {
      adapter: { name: 'a', vendor: '', architecture: '', software: true, features: [] },
      versions: { pleinair: '1' },
      command: 'c',
      dtype: 'f32',
      scale: { name: 'least', reason: 'r' },
      peaks: { ...peaks, fma: peak(40, 'GFLOP/s') },
      results: [early, result('norm', 8)],
      failures: [],
    },
    new Date('2026-01-02T03:04:05Z'),
  );
  expect(report.results[0]!.shareOfPeak).toBeCloseTo(0.25, 12);
  expect(report.results[1]).not.toHaveProperty('shareOfPeak');
  expect(report.summary).toMatchObject({ geomeanRatio: 4, minRatio: 2 });
  expect(report.date).toBe('2026-01-02');
  expect(JSON.parse(JSON.stringify(report))).toEqual(report);
});

it('counts only what a user would get, not variants forced beside it', () => {
  expect(summarise([result('conv', 2), { ...result('conv', 0.1), chosen: false }]).minRatio).toBe(2);
});

it('counts comparisons with ourselves in the whole only where there are no others', () => {
  const own = { ...result('palettized', 0.9), peer: { name: halvesPeer, ms: 0.9 } };
  const both = summarise([own, { ...result('conv', 4), peer: { name: 'other', ms: 4 } }]);
  expect(both).toMatchObject({ geomeanRatio: 4, minRatio: 4 });
  expect(both.suites['palettized']!.geomeanRatio).toBeCloseTo(0.9, 12);
  expect(summarise([own]).minRatio).toBe(0.9);
});
