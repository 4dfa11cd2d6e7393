import { throwIfCancelled, WeightStore } from '@pleinair/tensor';
import { timeLinks, type Chain, type LinkTime } from '../measure/chain.js';
import { relativeDifference } from '../measure/difference.js';
import type { OpCase } from '../ops/op-case.js';
import { OursChains } from '../ours/op-chains.js';
import { forced } from '../ours/variants.js';
import type { BenchResult } from '../report/report.js';
import type { OpContext } from './context.js';
import { toResult } from './to-result.js';

/** Variants that take this many times the quickest one's time in a first look are not looked at again. */
const hopeless = 6;

/** A variant of an operation, after a first look. */
interface Candidate {
  readonly chains: OursChains;
  readonly chosen: boolean;
  /** A chain of two, once. */
  readonly firstMs: number;
  readonly output: Float32Array;
}

/**
 * Times every variant that an operation can run in on this adapter, taking turns, the one that a user would get first. A
 * variant's `difference` is that of its output from the chosen one's.
 */
export async function* measureVariants(op: OpCase, context: OpContext): AsyncGenerator<BenchResult> {
  const { device, dtype, pick, care, signal } = context;
  const store = new WeightStore(device);
  const { suite, shape } = op;
  try {
    const asChosen = new OursChains(device, op, { dtype, store, signal });
    const name = asChosen.variant();
    const others = asChosen
      .variants()
      .filter((other) => other !== name && (pick === undefined || other.includes(pick)));
    const candidates: Candidate[] = [await firstLook(asChosen, true)];
    for (const other of others) {
      const chains = new OursChains(device, op, { dtype, store, signal, name: other, pick: forced(other) });
      try {
        candidates.push(await firstLook(chains, false));
      } catch (error) {
        throwIfCancelled(signal, 'bench');
        device.check();
        context.fail({
          suite,
          shape: `${shape}, ${other}`,
          reason: error instanceof Error ? error.message : String(error),
        });
      }
    }
    const best = Math.min(...candidates.map(({ firstMs }) => firstMs));
    const hopeful = candidates.filter(({ chosen, firstMs }) => chosen || firstMs <= hopeless * best);
    const times = await timeLinks(
      hopeful.map(({ chains }) => chains),
      care,
    );
    const results = hopeful.map(({ chains, chosen, output }, i) => {
      const { kernels, ...work } = chains.link();
      return toResult({
        suite,
        shape,
        variant: chains.variant(),
        kernels,
        work,
        ours: times[i]!,
        ...(chosen ? {} : { difference: relativeDifference(output, candidates[0]!.output) }),
        figures: {
          timesChosen: digits(times[i]!.ms / times[0]!.ms),
          // However busy the machine was, this is what the work cost.
          ...cpuTimes(times[i]!, times[0]!),
        },
        chosen,
      });
    });
    yield* results.sort((a, b) => a.ms - b.ms);
    for (const { chains, firstMs } of candidates.filter((one) => !hopeful.includes(one))) {
      context.fail({
        suite,
        shape: `${shape}, ${chains.name}`,
        reason: `too slow: ${(firstMs / best).toFixed(0)}× the best`,
      });
    }
  } finally {
    store.dispose();
  }
}

async function firstLook(chains: OursChains, chosen: boolean): Promise<Candidate> {
  const chain = await chains.build(2);
  try {
    await chain.run();
    const output = await chain.output();
    return { chains, chosen, firstMs: await timeOnce(chain), output };
  } finally {
    await chain.dispose();
  }
}

async function timeOnce(chain: Chain): Promise<number> {
  const started = performance.now();
  await chain.run();
  return performance.now() - started;
}

function cpuTimes({ cpuMs }: LinkTime, first: LinkTime): { cpuTimesChosen?: number } {
  return cpuMs === undefined || first.cpuMs === undefined ? {} : { cpuTimesChosen: digits(cpuMs / first.cpuMs) };
}

function digits(value: number): number {
  return Number(value.toPrecision(3));
}
