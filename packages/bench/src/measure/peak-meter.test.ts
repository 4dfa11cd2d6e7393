import { expect, it } from 'vitest';
import type { Gauge, GaugeKind } from './gauge.js';
import { PeakMeter } from './peak-meter.js';

/** Gives these rates one after another, then the last again and again. */
function scripted(kind: GaugeKind, how: string, rates: readonly number[], log: string[]): Gauge {
  let next = 0;
  return {
    kind,
    how,
    read: () => {
      log.push(how);
      return Promise.resolve(rates[Math.min(next++, rates.length - 1)]!);
    },
    dispose: () => void log.push(`${how} gone`),
  };
}

it('keeps the best reading and says how the same way read otherwise', async () => {
  const log: string[] = [];
  const meter = new PeakMeter([scripted('fma', 'a', [10, 40, 20], log), scripted('copy', 'c', [5], log)]);
  for (let round = 0; round < 3; round++) await meter.round();
  expect(meter.peaks.fma).toEqual({ best: 40, median: 20, least: 10, unit: 'GFLOP/s', readings: 3, how: 'a' });
  expect(meter.peaks.copy).toMatchObject({ best: 5, unit: 'GB/s' });
  expect(meter.peaks.fmaF16).toBeUndefined();
});

it('reads every way once, then the two best of each kind', async () => {
  const log: string[] = [];
  const gauges = [3, 9, 1, 7].map((rate) => scripted('fma', `f${rate}`, [rate], log));
  const meter = new PeakMeter([...gauges, scripted('fmaF16', 'h', [4], log), scripted('copy', 'c', [1], log)]);
  await meter.round();
  expect(log).toEqual(['f3', 'f9', 'f1', 'f7', 'h', 'c']);
  await meter.round();
  expect(log.slice(6)).toEqual(['f9', 'f7', 'h', 'c']);
  expect(meter.peaks.fma.how).toBe('f9');
  meter.dispose();
  expect(log.filter((entry) => entry.endsWith('gone'))).toHaveLength(6);
});
