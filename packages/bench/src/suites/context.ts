import type { Tuner } from '@pleinair/kernels';
import type { Device } from '@pleinair/tensor';
import type { Care, Chain, Chains } from '../measure/chain.js';
import type { OpCase } from '../ops/op-case.js';
import type { BenchFailure } from '../report/report.js';

/** A chain whose outcome can be looked at. */
export interface OutputChain extends Chain {
  /** What came out of the last run, channels last. */
  output(): Promise<Float32Array>;
}

/** Chains of any length whose outcomes can be looked at. */
export interface OutputChains extends Chains {
  build(length: number): Promise<OutputChain>;
}

/** Another engine on the same adapter in the same process. */
export interface Peer {
  readonly name: string;
  /**
   * Ways in which the engine does an operation: its fused operators, what exporters write. Of those whose outcome is ours
   * up to rounding the fastest is timed.
   */
  forms(op: OpCase, dtype: 'f32' | 'f16'): readonly { readonly name: string; readonly chains: OutputChains }[];
}

/** All that an op suite looks at. */
export interface OpContext {
  readonly device: Device;
  readonly dtype: 'f32' | 'f16';
  readonly care: Care;
  /** Force kernel variants whose name holds this text. */
  readonly pick?: string;
  /** Time every variant of each shape, not the chosen one alone. */
  readonly variants?: boolean;
  readonly peer?: Peer;
  /** Finds the fastest variants of a shape before it is timed, as for a user; without, heuristics choose. */
  readonly tuner?: Tuner;
  readonly signal?: AbortSignal;
  /** Notes a shape that could not be measured; the suite goes on with the next. */
  fail(failure: BenchFailure): void;
}

/** What comes out of a chain of two. */
export async function outputOf(chains: OutputChains): Promise<Float32Array> {
  return (await tryOut(chains, 0)).output;
}

/**
 * What comes out of a chain of two, and how long it takes at best.
 *
 * @param runs - How many are timed, after one that compiles.
 */
export async function tryOut(
  chains: OutputChains,
  runs: number,
): Promise<{ readonly output: Float32Array; readonly bestMs: number }> {
  const chain = await chains.build(2);
  try {
    await chain.run();
    let bestMs = Infinity;
    for (let run = 0; run < runs; run++) {
      const started = performance.now();
      await chain.run();
      bestMs = Math.min(bestMs, performance.now() - started);
    }
    return { output: await chain.output(), bestMs };
  } finally {
    await chain.dispose();
  }
}
