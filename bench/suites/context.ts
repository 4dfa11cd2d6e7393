import type { Device } from '@pleinair/tensor';
import type { Care, LinkTime } from '../measure/chain.js';
import type { Onnxruntime } from '../peer/onnxruntime.js';
import { shareOfPeak, type BenchFailure, type BenchResult, type Peaks } from '../report/report.js';

/** All that a suite may look at. */
export interface BenchContext {
  readonly device: Device;
  readonly dtype: 'f32' | 'f16';
  readonly care: Care;
  /** Force kernel variants whose name holds this text. */
  readonly pick?: string;
  /** Time every variant of each shape, not the chosen one alone. */
  readonly variants?: boolean;
  /** Only shapes whose name holds this text. */
  readonly filter?: string;
  /** There when peers were asked for. */
  readonly peer?: Onnxruntime;
  readonly peaks: Peaks;
  /** Notes a shape that could not be measured; the suite goes on with the next. */
  fail(failure: BenchFailure): void;
  /** The repository's root folder. */
  readonly root: string;
}

/** A suite yields its results one by one, as they come. */
export type Suite = (context: BenchContext) => AsyncIterable<BenchResult>;

/** What is known of a shape before and after timing. */
export interface Measured {
  readonly suite: string;
  readonly shape: string;
  readonly variant: string;
  readonly kernels?: readonly string[];
  /** False of a variant that only `--variants` runs. */
  readonly chosen?: boolean;
  /** Of one link. */
  readonly work?: { readonly flops: number; readonly bytesMoved: number };
  readonly ours: LinkTime;
  readonly peer?: LinkTime;
  readonly difference?: number;
  readonly note?: string;
  readonly figures?: Readonly<Record<string, number>>;
}

/** Puts a result together. */
export function toResult(measured: Measured, { peer: runtime, peaks, device }: BenchContext): BenchResult {
  const { suite, shape, variant, kernels, chosen, work, ours, peer, difference, note, figures } = measured;
  const cpu = (time: LinkTime): { cpuMs?: number } => (device.profile.isSoftware ? { cpuMs: round(time.cpuMs) } : {});
  return {
    suite,
    shape,
    variant,
    ...(kernels && { kernels }),
    ...(chosen !== undefined && { chosen }),
    ms: round(ours.ms),
    spread: round(ours.spread),
    ...cpu(ours),
    ...(work && {
      gflops: round(work.flops / ours.ms / 1e6),
      shareOfPeak: round(shareOfPeak({ ...work, ms: ours.ms }, peaks)),
    }),
    ...(peer && {
      peer: { name: runtime?.name ?? 'peer', ms: round(peer.ms), ...cpu(peer) },
      ratio: round(peer.ms / ours.ms),
    }),
    ...(difference !== undefined && { difference: round(difference) }),
    ...(note !== undefined && { note }),
    ...(figures && { figures }),
  };
}

/** Four digits are more than the clock gives. */
function round(value: number): number {
  return Number(value.toPrecision(4));
}
