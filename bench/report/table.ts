import type { BenchResult, Peaks, Summary } from './report.js';

/** One result as a line for people. */
export function resultLine(result: BenchResult): string {
  const { suite, shape, variant, ms, gflops, peer, ratio, difference, figures, note } = result;
  const parts = [`${suite.padEnd(10)} ${shape.padEnd(58)} ${milliseconds(ms)}`];
  if (gflops !== undefined) parts.push(`${gflops.toFixed(1).padStart(6)} GFLOP/s`);
  if (result.shareOfPeak !== undefined) parts.push(`${(100 * result.shareOfPeak).toFixed(0).padStart(3)} % of limit`);
  if (peer) parts.push(`${peer.name} ${milliseconds(peer.ms)}`);
  if (result.spread !== undefined) parts.push(`±${(50 * result.spread).toFixed(0).padStart(2)} %`);
  if (result.cpuMs !== undefined) parts.push(`cpu ${milliseconds(result.cpuMs)}`);
  if (ratio !== undefined) parts.push(`${ratio.toFixed(2)}×`);
  if (peer?.cpuMs !== undefined && result.cpuMs) parts.push(`(cpu ${(peer.cpuMs / result.cpuMs).toFixed(2)}×)`);
  if (difference !== undefined) parts.push(`Δ ${difference.toExponential(0)}`);
  for (const [name, value] of Object.entries(figures ?? {})) parts.push(`${name} ${value}`);
  if (note) parts.push(`[${note}]`);
  parts.push(result.chosen ? `${variant} (chosen)` : variant);
  return parts.join('  ');
}

/** The adapter's limits as a line. */
export function peaksLine({ fmaGflops, fmaLoop, copyGbPerS }: Peaks): string {
  return `peak: ${fmaGflops.toFixed(1)} GFLOP/s (${fmaLoop}), copy ${copyGbPerS.toFixed(1)} GB/s`;
}

/** The summary as lines; none when nothing was compared. */
export function summaryLines({ geomeanRatio, minRatio, suites }: Summary): string[] {
  if (geomeanRatio === undefined || minRatio === undefined) return [];
  const line = (name: string, mean: number, least: number): string =>
    `${name.padEnd(10)} geometric mean ${mean.toFixed(2)}×, least ${least.toFixed(2)}×`;
  return [
    ...Object.entries(suites).map(([suite, one]) => line(suite, one.geomeanRatio, one.minRatio)),
    `${line('all', geomeanRatio, minRatio)} (above 1: Pleinair is faster)`,
  ];
}

function milliseconds(ms: number): string {
  return `${ms.toFixed(ms < 10 ? 3 : 1).padStart(8)} ms`;
}
