import { expect, it } from 'vitest';
import { shareOfPeak, summarise, type BenchResult } from './report.js';

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

it('holds a kernel to the nearer limit', () => {
  const peaks = { fmaGflops: 20, fmaLoop: '', copyGbPerS: 10 };
  expect(shareOfPeak({ flops: 20e9, bytesMoved: 1e9, ms: 2000 }, peaks)).toBeCloseTo(0.5, 12);
  expect(shareOfPeak({ flops: 1e9, bytesMoved: 10e9, ms: 4000 }, peaks)).toBeCloseTo(0.25, 12);
});
