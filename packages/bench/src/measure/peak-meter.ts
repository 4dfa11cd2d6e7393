import type { Device } from '@pleinair/tensor';
import type { Peak, Peaks } from '../report/report.js';
import { copyGauges } from './copy-gauges.js';
import { fmaGauge, fmaLoops } from './fma-loops.js';
import type { Gauge, GaugeKind } from './gauge.js';
import { median } from './statistics.js';

/** Ways of each kind that are read again between shapes: the best ones so far. */
const leading = 2;

/**
 * What the adapter reaches at best, read in rounds: all ways first, then the best of them between the shapes of a suite, so
 * that a busy minute at the start does not make all shares of the peak too large. The peak is the best single reading,
 * with the median of that way's readings beside it to show how far the machine was left alone.
 */
export class PeakMeter {
  private readonly readings = new Map<Gauge, number[]>();

  /** @param gauges - The ways to read; {@link PeakMeter.open} has those for an adapter. */
  constructor(gauges: readonly Gauge[]) {
    for (const gauge of gauges) this.readings.set(gauge, []);
  }

  /** Compiles every loop for the device. */
  static async open(device: Device): Promise<PeakMeter> {
    const gauges: Gauge[] = [];
    try {
      for (const loop of fmaLoops(device.profile)) gauges.push(await fmaGauge(device, loop));
      gauges.push(...(await copyGauges(device)));
    } catch (error) {
      for (const gauge of gauges) gauge.dispose();
      throw error;
    }
    return new PeakMeter(gauges);
  }

  /** Reads every way once; after the first time, only the leading ones of each kind. */
  async round(): Promise<void> {
    const kinds = new Set([...this.readings.keys()].map(({ kind }) => kind));
    for (const kind of kinds) {
      const ways = [...this.readings].filter(([gauge]) => gauge.kind === kind);
      const started = ways.every(([, values]) => values.length > 0);
      const due = started ? ways.sort(([, a], [, b]) => Math.max(...b) - Math.max(...a)).slice(0, leading) : ways;
      for (const [gauge, values] of due) values.push(await gauge.read());
    }
  }

  /** The best so far. */
  get peaks(): Peaks {
    const fmaF16 = this.best('fmaF16');
    return { fma: this.best('fma')!, ...(fmaF16 && { fmaF16 }), copy: this.best('copy')! };
  }

  dispose(): void {
    for (const gauge of this.readings.keys()) gauge.dispose();
  }

  private best(kind: GaugeKind): Peak | undefined {
    let best: Peak | undefined;
    for (const [gauge, values] of this.readings) {
      if (gauge.kind !== kind || values.length === 0) continue;
      const peak: Peak = {
        best: Math.max(...values),
        median: median(values),
        least: Math.min(...values),
        unit: kind === 'copy' ? 'GB/s' : 'GFLOP/s',
        readings: values.length,
        how: gauge.how,
      };
      if (!best || peak.best > best.best) best = peak;
    }
    return best;
  }
}
