import type { MemoryMode } from '../parts/memory-policy.js';
import type { PartKind } from '../parts/part-spec.js';

/** One dispatch of a profiled segment. */
export interface ProfiledKernel {
  /** What the model does there, e.g. `conv2d`. */
  readonly op: string;
  /** Where in the checkpoint that is, e.g. `down_blocks.0.resnets.1.conv1`. */
  readonly label: string;
  /** The first part of the kernel's name, e.g. `matmul`. */
  readonly family: string;
  /** The rest of it, e.g. `tiled`. */
  readonly variant: string;
  readonly ms: number;
  /** Work of the direct algorithm; a multiply-add is 2. */
  readonly flops: number;
  readonly bytesMoved: number;
}

/** All dispatches of one family of kernels. */
export interface FamilyTime {
  readonly family: string;
  readonly dispatches: number;
  readonly ms: number;
  /** Of the segment's `ms`, 0 to 1. */
  readonly share: number;
  readonly flops: number;
  readonly bytesMoved: number;
}

/** One run of a segment of a part, dispatch by dispatch. */
export interface ProfiledSegment {
  readonly part: string;
  readonly kind: PartKind;
  /** E.g. `step`. */
  readonly segment: string;
  /** How often it runs for one picture. */
  readonly runs: number;
  /** Milliseconds of one run: the sum of the kernels'. */
  readonly ms: number;
  /** In the order in which they run. */
  readonly kernels: readonly ProfiledKernel[];
  /** The longest first. */
  readonly families: readonly FamilyTime[];
}

/** Where a picture's time goes on the GPU. Plain data: it can be sent to another thread, or kept as JSON. */
export interface KernelProfile {
  readonly adapter: string;
  readonly width: number;
  readonly height: number;
  readonly precision: 'f16' | 'f32';
  readonly mode: MemoryMode;
  /**
   * `timestamps`: the GPU's clock was read before and after every dispatch. `planned`: the adapter has no `timestamp-query`,
   * so a whole run of each segment was timed, and divided among its dispatches by what the planner expects of their FLOPs
   * and bytes.
   */
  readonly source: 'timestamps' | 'planned';
  /** In the order in which parts work. */
  readonly segments: readonly ProfiledSegment[];
}

/** Sums dispatches by family. */
export function familyTimes(kernels: readonly ProfiledKernel[]): FamilyTime[] {
  const families = new Map<string, { -readonly [key in keyof FamilyTime]: FamilyTime[key] }>();
  const all = kernels.reduce((sum, { ms }) => sum + ms, 0);
  for (const { family, ms, flops, bytesMoved } of kernels) {
    const sums = families.get(family) ?? { family, dispatches: 0, ms: 0, share: 0, flops: 0, bytesMoved: 0 };
    families.set(family, sums);
    sums.dispatches++;
    sums.ms += ms;
    sums.share = all > 0 ? sums.ms / all : 0;
    sums.flops += flops;
    sums.bytesMoved += bytesMoved;
  }
  return [...families.values()].sort((a, b) => b.ms - a.ms);
}
