import type { BenchResult, Peak, Peaks, Summary } from './report.js';

/** One result as a line for people. */
export function resultLine(result: BenchResult): string {
  const { suite, shape, variant, ms, gflops, peer, ratio, difference, figures, note } = result;
  const parts = [`${suite.padEnd(10)} ${shape.padEnd(64)} ${milliseconds(ms)}`];
  if (gflops !== undefined) parts.push(`${gflops.toFixed(1).padStart(7)} GFLOP/s`);
  if (result.shareOfPeak !== undefined) parts.push(`${percent(result.shareOfPeak)} of limit`);
  if (result.spread !== undefined) parts.push(`±${percent(result.spread / 2)}`);
  if (peer) parts.push(`${peer.name} ${milliseconds(peer.ms)}`);
  if (ratio !== undefined) parts.push(`${ratio.toFixed(2)}×`);
  if (result.cpuMs !== undefined && peer?.cpuMs === undefined) parts.push(`cpu ${milliseconds(result.cpuMs)}`);
  if (peer?.cpuMs !== undefined && result.cpuMs) parts.push(`(cpu ${(peer.cpuMs / result.cpuMs).toFixed(2)}×)`);
  if (difference !== undefined) parts.push(`Δ ${difference.toExponential(0)}`);
  for (const [name, value] of Object.entries(figures ?? {})) parts.push(`${name} ${value}`);
  if (note) parts.push(`[${note}]`);
  parts.push(result.chosen ? `${variant} (chosen)` : variant);
  return parts.join('  ');
}

/** Results as a table for people: shape, variant, time, rate, share of the nearer limit; the ratio to peers if any has one. */
export function resultTable(results: readonly BenchResult[]): string {
  const compared = results.some(({ ratio }) => ratio !== undefined);
  const rows = results.map(({ shape, variant, ms, gflops, shareOfPeak, spread, peer, ratio }) => [
    shape,
    variant,
    ms.toPrecision(3),
    gflops?.toPrecision(3) ?? '',
    shareOfPeak === undefined ? '' : percent(shareOfPeak).trim(),
    spread === undefined ? '' : `±${percent(spread / 2).trim()}`,
    ...(compared ? [ratio === undefined ? '' : `${ratio.toFixed(2)}× ${peer?.name ?? ''}`.trim()] : []),
  ]);
  const heads = ['shape', 'variant', 'ms', 'GFLOP/s', 'of limit', 'spread', ...(compared ? ['faster than'] : [])];
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
  return [line(heads), ...rows.map(line)].join('\n');
}

/** The adapter's limits as lines. */
export function peakLines({ fma, fmaF16, copy }: Peaks): string[] {
  const line = (what: string, { best, median, unit, readings, how }: Peak): string =>
    `${what.padEnd(8)} ${best.toPrecision(3)} ${unit} at best, ${median.toPrecision(3)} in the middle of ${readings} ` +
    `reading${readings === 1 ? '' : 's'} (${how})`;
  return [line('fma f32', fma), ...(fmaF16 ? [line('fma f16', fmaF16)] : []), line('copy', copy)];
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

function percent(share: number): string {
  return `${(100 * share).toFixed(0).padStart(3)} %`;
}
