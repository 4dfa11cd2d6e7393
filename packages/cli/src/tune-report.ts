import type { TunedShape, Tuning } from 'pleinair';

/** What was found for one shape. */
export interface ShapeReport {
  readonly shape: string;
  readonly op: string;
  readonly part: string;
  /** Nodes of this shape. */
  readonly count: number;
  /** Share of the time of all tuned shapes, by the times read with the heuristics' choices. */
  readonly share: number;
  readonly heuristic?: string;
  /** The variant that runs take; the heuristic's where no other is better. */
  readonly winner?: string;
  /** Milliseconds of one run by variant, fastest first; null: it does not run on this adapter. */
  readonly times: readonly (readonly [variant: string, ms: number | null])[];
  /** Milliseconds of one run by the winner: the heuristic's, by the gain; absent where nothing was timed. */
  readonly ms?: number;
  /** How many times as fast as the heuristic's choice. */
  readonly speedup: number;
  /** GFLOP/s of the direct algorithm's work: Winograd's may pass the peak. */
  readonly gflops?: number;
  readonly shareOfPeak?: number;
  readonly isNew: boolean;
}

/** All that a tuning found. */
export interface TuneReport {
  readonly peakGflops: number;
  readonly shapes: readonly ShapeReport[];
  /** Milliseconds a picture of all tuned shapes: by heuristics, and by the winners. */
  readonly heuristicMs: number;
  readonly winnerMs: number;
  readonly ms: number;
}

/** Sums a tuning up. @param peakGflops - The adapter's best rate of multiply-adds. */
export function tuneReport({ shapes, ms }: Tuning, peakGflops: number): TuneReport {
  const all = shapes.map((shape) => ({ shape, heuristicMs: pictureMs(shape, shape.record?.heuristic) }));
  const heuristicMs = all.reduce((sum, each) => sum + (each.heuristicMs ?? 0), 0);
  const winnerMs = all.reduce((sum, each) => sum + (each.heuristicMs ?? 0) / speedupOf(each.shape), 0);
  const reports = all.map((each) => shapeReport(each.shape, (each.heuristicMs ?? 0) / (heuristicMs || 1), peakGflops));
  return { peakGflops, shapes: reports.sort((a, b) => b.share - a.share), heuristicMs, winnerMs, ms };
}

function takenBy({ winner, record }: TunedShape): string | undefined {
  return winner ?? record?.heuristic;
}

/** By readings of the two taken in turn. */
function speedupOf({ winner, record }: TunedShape): number {
  return winner === undefined ? 1 : 1 / (record?.winnerShare ?? 1);
}

function pictureMs({ record, subject }: TunedShape, variant: string | undefined): number | undefined {
  const ms = variant === undefined ? undefined : record?.times[variant];
  return typeof ms === 'number' ? ms * subject.runs : undefined;
}

function shapeReport(tuned: TunedShape, share: number, peakGflops: number): ShapeReport {
  const { subject, record, isNew } = tuned;
  const { shape, op, part, count, runs, flops } = subject;
  const heuristic = record?.heuristic;
  const winner = takenBy(tuned);
  const times = Object.entries(record?.times ?? {}).sort(([, a], [, b]) => (a ?? Infinity) - (b ?? Infinity));
  const heuristicMs = pictureMs(tuned, heuristic);
  const speedup = speedupOf(tuned);
  const ms = heuristicMs === undefined ? undefined : heuristicMs / runs / speedup;
  const gflops = ms === undefined ? undefined : flops / ms / 1e6;
  const shareOfPeak = gflops === undefined ? undefined : gflops / peakGflops;
  return { shape, op, part, count, share, heuristic, winner, times, ms, speedup, gflops, shareOfPeak, isNew };
}

/** The report as a table: a line a shape that was timed, and below it the other variants with their times. */
export function tuneTable(report: TuneReport): string {
  const heads = ['shape', 'nodes', 'share', 'winner', 'ms', 'gain', 'GFLOP/s', 'of peak'];
  const timed = report.shapes.filter(({ times }) => times.length > 0);
  const rows = timed.map((s) => [
    s.shape,
    String(s.count),
    percent(s.share),
    s.winner ?? '–',
    s.ms?.toPrecision(3) ?? '–',
    s.winner === s.heuristic ? '' : `${s.speedup.toFixed(2)}×`,
    s.gflops?.toPrecision(3) ?? '–',
    s.shareOfPeak === undefined ? '–' : percent(s.shareOfPeak),
  ]);
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]!.length)));
  const isText = new Set([0, 3]);
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (isText.has(i) ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd();
  const others = ({ times, winner }: ShapeReport): string =>
    times
      .filter(([name]) => name !== winner)
      .map(([name, ms]) => `${name} ${ms === null ? 'fails' : ms.toPrecision(3)}`)
      .join(' · ');
  const total =
    report.heuristicMs > 0
      ? `all of these: ${report.heuristicMs.toFixed(0)} ms a picture by heuristics, ${report.winnerMs.toFixed(0)} ms by the winners ` +
        `(${(report.heuristicMs / report.winnerMs).toFixed(2)}×)`
      : 'nothing was timed';
  const untimed = report.shapes.length - timed.length;
  const noTime = untimed > 0 ? [`${untimed} of ${report.shapes.length} shapes: not timed`] : [];
  return [
    line(heads),
    ...rows.flatMap((row, i) => {
      const rest = others(timed[i]!);
      return rest ? [line(row), `  ${rest}`] : [line(row)];
    }),
    ...noTime,
    '',
    `${total}; peak ${report.peakGflops.toPrecision(3)} GFLOP/s of f32 multiply-adds`,
    '',
  ].join('\n');
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;
}
