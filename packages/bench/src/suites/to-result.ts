import type { LinkTime } from '../measure/chain.js';
import { rounded, type BenchResult } from '../report/report.js';

/** What is known of a shape after timing. */
export interface Measured {
  readonly suite: string;
  readonly shape: string;
  readonly variant: string;
  readonly kernels?: readonly string[];
  /** False of a variant that was forced beside the chosen one. */
  readonly chosen?: boolean;
  /** Of one link. */
  readonly work?: { readonly flops: number; readonly bytesMoved: number };
  readonly ours: LinkTime;
  readonly peer?: LinkTime & { readonly name: string };
  readonly difference?: number;
  readonly note?: string;
  readonly figures?: Readonly<Record<string, number>>;
}

/** Puts a result together; its share of the peak comes when the peaks are known. */
export function toResult(measured: Measured): BenchResult {
  const { suite, shape, variant, kernels, chosen, work, ours, peer, difference, note, figures } = measured;
  return {
    suite,
    shape,
    variant,
    ...(kernels && { kernels }),
    ...(chosen !== undefined && { chosen }),
    ms: rounded(ours.ms),
    spread: rounded(ours.spread),
    ...cpu(ours),
    ...(work && { ...work, gflops: rounded(work.flops / ours.ms / 1e6) }),
    ...(peer && {
      peer: { name: peer.name, ms: rounded(peer.ms), ...cpu(peer) },
      ratio: rounded(peer.ms / ours.ms),
    }),
    ...(difference !== undefined && { difference: rounded(difference) }),
    ...(note !== undefined && { note }),
    ...(figures && { figures }),
  };
}

function cpu({ cpuMs }: LinkTime): { cpuMs?: number } {
  return cpuMs === undefined ? {} : { cpuMs: rounded(cpuMs) };
}
