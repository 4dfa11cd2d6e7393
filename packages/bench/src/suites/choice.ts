import type { OpCase } from '../ops/op-case.js';
import { OursChains, planOptions } from '../ours/op-chains.js';
import { forced, type Pick } from '../ours/variants.js';
import type { OpContext } from './context.js';

/**
 * The variants to take: forced ones, else the case's own, else the tuner's, else none, and then heuristics choose.
 *
 * @param how - Which of our ways to do the operation it is for.
 */
export async function choice(
  op: OpCase,
  { device, dtype, pick, tuner, signal }: OpContext,
  how: { readonly decoded?: boolean } = {},
): Promise<Pick | undefined> {
  const wanted = pick ?? op.variant;
  if (wanted !== undefined) return forced(wanted);
  if (!tuner) return undefined;
  const graph = new OursChains(device, op, { dtype, ...how }).record(2);
  return (await tuner.tune([{ part: op.suite, graph, runs: () => 1 }], { signal, plan: planOptions(op, dtype) })).pick;
}
