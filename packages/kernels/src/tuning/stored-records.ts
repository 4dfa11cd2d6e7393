import type { LoweredNode, PickVariant } from '@pleinair/tensor';
import { currentHash, kernelHash, type ChoicesOptions } from './choices.js';
import { kernelsOf } from './kernels-of.js';
import { recordKey, type TuningRecord, type TuningRecords } from './record.js';
import type { TuningSubject, TuningWork } from './subject.js';

/** What a store knows of the shapes at hand. */
export interface StoredRecords {
  /** By subject, those that are of the kernels as they are now. */
  readonly stored: ReadonlyMap<TuningSubject, TuningRecord>;
  /** Takes their winners. */
  readonly pick: PickVariant;
  /** Milliseconds spent on plans, which runs need anyway. */
  readonly planningMs: number;
}

/**
 * The records of shapes, without those whose winner's kernels have other texts by now. The texts are read off the plans of
 * the works that make theirs by a pick; only where a node does not stand in such a plan as it was timed, it is lowered alone.
 */
export function storedRecords(
  subjects: readonly TuningSubject[],
  works: readonly TuningWork[],
  records: TuningRecords,
  context: ChoicesOptions,
): StoredRecords {
  const stored = new Map<TuningSubject, TuningRecord>();
  for (const subject of subjects) {
    const record = records.get(recordKey(subject));
    if (record) stored.set(subject, record);
  }
  const pick = pickOf(winnersOf(stored), context.plan?.pick);
  const started = performance.now();
  const lowered = new Map<unknown, LoweredNode>();
  for (const { planWith } of stored.size > 0 ? works : []) {
    for (const { nodes } of planWith?.(pick).segments ?? []) for (const node of nodes) lowered.set(node.node, node);
  }
  const planningMs = performance.now() - started;
  const before = stored.size;
  for (const [subject, { winner, kernels }] of stored) {
    if (winner === undefined) continue;
    const isCurrent = (hash: string): boolean => kernels[winner] === hash;
    const node = lowered.get(subject.node);
    if (node && node.inPlace === subject.inPlace && isCurrent(hashOf(node, winner))) continue;
    if (!isCurrent(currentHash(subject, winner, context))) stored.delete(subject);
  }
  const all = stored.size === before;
  return { stored, pick: all ? pick : pickOf(winnersOf(stored), context.plan?.pick), planningMs };
}

/** Decides shapes whose winner is not the heuristic's, after what is fixed; the rest is left to the heuristic of each node. */
export function pickOf(winners: ReadonlyMap<string, string>, fixed: PickVariant | undefined): PickVariant {
  return (shape, variants) => {
    const decided = fixed?.(shape, variants);
    if (decided !== undefined) return decided;
    const winner = winners.get(shape);
    return winner !== undefined && variants.includes(winner) ? winner : undefined;
  };
}

function winnersOf(stored: ReadonlyMap<TuningSubject, TuningRecord>): ReadonlyMap<string, string> {
  return new Map([...stored].flatMap(([{ shape }, { winner }]) => (winner === undefined ? [] : [[shape, winner]])));
}

function hashOf({ dispatches }: LoweredNode, name: string): string {
  return kernelHash({ name, kernels: kernelsOf(dispatches) });
}
