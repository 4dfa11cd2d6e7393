import { requestDevice } from '@pleinair/tensor';
import { expect, it } from 'vitest';
import { benchOps, resultTable } from '../src/index.js';

it('measures a small shape in a page', async () => {
  const device = await requestDevice();
  try {
    const kinds: string[] = [];
    const report = await benchOps(device, {
      suites: ['matmul'],
      filter: 'one row',
      scale: 'least',
      tune: 'off',
      onEvent: ({ kind }) => void kinds.push(kind),
    });
    expect(kinds).toEqual(['peaks', 'scale', 'report', 'shape', 'result', 'report']);
    expect(report.failures).toEqual([]);
    const [result] = report.results;
    expect(result).toMatchObject({ suite: 'matmul', flops: 2 * 1280 * 1280 });
    expect(result!.ms).toBeGreaterThan(0);
    expect(result!.shareOfPeak).toBeGreaterThan(0);
    // Pages are not told processor time.
    expect(result).not.toHaveProperty('cpuMs');
    expect(report.peaks.fma.best).toBeGreaterThan(0);
    expect(report.peaks.copy.best).toBeGreaterThan(0);
    expect(resultTable(report.results).split('\n')).toHaveLength(2);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  } finally {
    device.destroy();
  }
});
