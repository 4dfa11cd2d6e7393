import { MemoryTuningStore, Tuner } from '@pleinair/kernels';
import { throwIfCancelled, type Device } from '@pleinair/tensor';
import { PeakMeter } from '../measure/peak-meter.js';
import { opSuites, type OpCase, type OpSuite } from '../ops/op-case.js';
import {
  toReport,
  withShare,
  type BenchFailure,
  type BenchReport,
  type BenchResult,
  type Peaks,
} from '../report/report.js';
import { adapterOf } from '../report/adapter.js';
import { opCases, type CaseOptions, type ScaleName } from '../shapes/scale.js';
import { chooseScale, type ChosenScale } from './choose-scale.js';
import type { OpContext } from './context.js';
import { measureOp } from './measure-op.js';

/** What happens while {@link benchOps} runs, in order. */
export type BenchEvent =
  | { readonly kind: 'peaks'; readonly peaks: Peaks }
  | { readonly kind: 'scale'; readonly scale: ChosenScale }
  | {
      readonly kind: 'shape';
      readonly suite: OpSuite;
      readonly shape: string;
      readonly index: number;
      readonly of: number;
    }
  | { readonly kind: 'result'; readonly result: BenchResult }
  | { readonly kind: 'failure'; readonly failure: BenchFailure }
  /** All that is known so far, before the first shape and after each: a run that is stopped has not been for nothing. */
  | { readonly kind: 'report'; readonly report: BenchReport };

/** Options of {@link benchOps}. */
export interface BenchOpsOptions {
  /** @defaultValue all of them */
  readonly suites?: readonly OpSuite[];
  /** Storage of activations and weights. @defaultValue `f32` */
  readonly dtype?: 'f32' | 'f16';
  /** Only shapes whose name holds this text. */
  readonly filter?: string;
  /** One or two shapes of a suite. */
  readonly quick?: boolean;
  /** Size of the shapes; by default what ends in time on this adapter. */
  readonly scale?: ScaleName;
  /**
   * Whether the fastest variant of each shape is found before it is timed, within a second a shape or however long it
   * takes. @defaultValue `quick`
   */
  readonly tune?: 'off' | 'quick' | 'full';
  /** No shape is begun after this much time. @defaultValue 110 000 ms */
  readonly budgetMs?: number;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: BenchEvent) => void;
  /** Versions of what is measured, for the report. */
  readonly versions?: Readonly<Record<string, string>>;
  /** The command that makes such a report. */
  readonly command?: string;
}

const defaultBudgetMs = 110_000;

/**
 * Measures single operations of Stable Diffusion on a device: the adapter's peaks first, then each named shape. For a
 * visitor's adapter: without peers, and done within about two minutes.
 *
 * @throws {@link CancelledError} {@link DeviceLostError}
 */
export async function benchOps(device: Device, options: BenchOpsOptions = {}): Promise<BenchReport> {
  const { dtype = 'f32', filter, quick, signal, onEvent = () => undefined, budgetMs = defaultBudgetMs } = options;
  const started = performance.now();
  const results: BenchResult[] = [];
  const failures: BenchFailure[] = [];
  const fail = (failure: BenchFailure): void => {
    failures.push(failure);
    onEvent({ kind: 'failure', failure });
  };
  throwIfCancelled(signal, 'bench');
  const meter = await PeakMeter.open(device);
  try {
    for (let round = 0; round < 2; round++) await meter.round();
    onEvent({ kind: 'peaks', peaks: meter.peaks });
    const scale = options.scale
      ? { name: options.scale, reason: 'asked for' }
      : await chooseScale(device, { peaks: meter.peaks, dtype, patience: 'two minutes', signal });
    onEvent({ kind: 'scale', scale });
    const report = (): BenchReport => {
      const { versions = {}, command = 'benchOps()' } = options;
      const adapter = adapterOf(device.profile);
      return toReport({ adapter, versions, command, dtype, scale, peaks: meter.peaks, results, failures });
    };
    onEvent({ kind: 'report', report: report() });
    const context: OpContext = {
      device,
      dtype,
      care: careFor(device),
      tuner: tunerFor(device, options.tune),
      signal,
      fail,
    };
    const cases = inOrder(options.suites ?? opSuites, { scale: scale.name, quick, filter });
    for (const [index, op] of cases.entries()) {
      throwIfCancelled(signal, 'bench');
      device.check();
      if (performance.now() - started > budgetMs) {
        const reason = `the time for all shapes, ${Math.round(budgetMs / 1000)} s, was over`;
        fail({ suite: op.suite, shape: op.shape, reason });
        continue;
      }
      onEvent({ kind: 'shape', suite: op.suite, shape: op.shape, index, of: cases.length });
      for await (const result of measureOp(op, context)) {
        results.push(result);
        onEvent({ kind: 'result', result: withShare(result, meter.peaks) });
      }
      await meter.round();
      onEvent({ kind: 'report', report: report() });
    }
    return report();
  } finally {
    meter.dispose();
  }
}

/** One or two shapes of each suite first: where time runs out, something of everything is known. */
function inOrder(suites: readonly OpSuite[], options: CaseOptions): OpCase[] {
  const of = (quick: boolean): OpCase[] => suites.flatMap((suite) => opCases(suite, { ...options, quick }));
  const first = of(true);
  if (options.quick) return first;
  const names = new Set(first.map(({ shape }) => shape));
  return [...first, ...of(false).filter(({ shape }) => !names.has(shape))];
}

/** Milliseconds that quick tuning may spend on a shape. */
const tuneBudgetMs = 1000;

function tunerFor(device: Device, mode: BenchOpsOptions['tune'] = 'quick'): Tuner | undefined {
  if (mode === 'off') return undefined;
  return new Tuner(device, { mode, store: new MemoryTuningStore(), budgetMs: tuneBudgetMs });
}

/** Three rounds a shape, five where they are over at once. */
function careFor({ profile }: Device): OpContext['care'] {
  return { rounds: 5, budgetMs: 2500, spanMs: profile.isSoftware ? 80 : 30 };
}
