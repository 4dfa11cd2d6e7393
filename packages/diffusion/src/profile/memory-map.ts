import { liveBytes, weightBytes, type ProgramPlan, type SegmentPlan } from '@pleinair/tensor';
import type { MemoryMode, MemoryPolicy } from '../parts/memory-policy.js';
import type { PartKind } from '../parts/part-spec.js';
import { peakBytes, type PlannedPart } from '../parts/plan-parts.js';

/** What one segment of a part holds while it runs. */
export interface SegmentMemory {
  readonly segment: string;
  /** Of all parts together, those kept from before or waiting for the next picture included. */
  readonly weightsBytes: number;
  /** Of all parts together: inputs, outputs, and what segments leave for one another. */
  readonly persistentBytes: number;
  /** The arena of the part, which all its segments share. */
  readonly arenaBytes: number;
  /** Bytes of that arena which hold something, node by node. */
  readonly live: readonly number[];
  /** Where in the checkpoint each node stands. */
  readonly labels: readonly string[];
}

/** What one part holds. */
export interface PartMemory {
  readonly part: string;
  readonly kind: PartKind;
  /** All of its weights. */
  readonly weightsBytes: number;
  /** The most of its weights that are there at once: those of its largest segment, where they come and go by segments. */
  readonly heldWeightsBytes: number;
  readonly persistentBytes: number;
  readonly intermediatesBytes: number;
  /** Whether it stays on the GPU for the next picture. */
  readonly isKept: boolean;
  readonly segments: readonly SegmentMemory[];
}

/** What pictures of a shape hold in a memory mode. */
export interface ModeMemory {
  readonly mode: MemoryMode;
  /** The most bytes held at once. */
  readonly peakBytes: number;
  /** In the order in which they work. */
  readonly parts: readonly PartMemory[];
}

/** GPU memory of pictures of a shape, from their plans: exact but for driver's own. Plain data. */
export interface MemoryMap {
  readonly adapter: string;
  readonly width: number;
  readonly height: number;
  readonly precision: 'f16' | 'f32';
  /** The mode in which such pictures are made. */
  readonly mode: MemoryMode;
  /** What `auto` lets a run hold on the adapter. */
  readonly budgetBytes: number;
  /** From the least memory to the most. */
  readonly modes: readonly ModeMemory[];
}

/** A part with its name and plan. */
export interface NamedPlan extends PlannedPart {
  readonly name: string;
}

/**
 * What parts hold that work in turn, as for the second picture of a row: parts that a mode keeps are all there.
 *
 * @param parts - In the order in which they work.
 */
export function modeMemory(parts: readonly NamedPlan[], policy: MemoryPolicy): ModeMemory {
  const kept = parts.filter(({ kind }) => policy.keeps(kind));
  const sum = (of: (plan: ProgramPlan) => number): number => kept.reduce((total, { plan }) => total + of(plan), 0);
  const keptWeights = sum(({ weightsBytes }) => weightsBytes);
  const keptPersistent = sum(({ persistentBytes }) => persistentBytes);
  return {
    mode: policy.mode,
    peakBytes: peakBytes(parts, policy),
    parts: parts.map(({ name, kind, plan }): PartMemory => {
      const isKept = policy.keeps(kind);
      const ownWeights = (segment: SegmentPlan): number =>
        isKept ? 0 : policy.bySegment(kind) ? weightsOf(segment) : plan.weightsBytes;
      return {
        part: name,
        kind,
        weightsBytes: plan.weightsBytes,
        heldWeightsBytes: isKept ? plan.weightsBytes : Math.max(0, ...plan.segments.map(ownWeights)),
        persistentBytes: plan.persistentBytes,
        intermediatesBytes: plan.intermediatesBytes,
        isKept,
        segments: plan.segments.map((segment) => ({
          segment: segment.name,
          weightsBytes: keptWeights + ownWeights(segment),
          persistentBytes: keptPersistent + (isKept ? 0 : plan.persistentBytes),
          arenaBytes: plan.intermediatesBytes,
          live: liveBytes(segment, plan.profile),
          labels: segment.nodes.map(({ node }) => node.label),
        })),
      };
    }),
  };
}

function weightsOf({ weights }: SegmentPlan): number {
  return weights.reduce((total, weight) => total + weightBytes(weight), 0);
}
