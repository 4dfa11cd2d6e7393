import { arenaAlignment } from './arena-size.js';
import type { SegmentPlan } from './plan.js';
import { alignUp } from './planner.js';
import type { DeviceProfile } from './profile.js';

/**
 * Bytes of the arena that hold something while each node of a segment runs, its scratch included, in the order of
 * `segment.nodes`. The most of them is no more than the segment's `intermediatesBytes`; what it is less, placement lost.
 */
export function liveBytes(
  { nodes, lifetimes }: Pick<SegmentPlan, 'nodes' | 'lifetimes'>,
  profile: DeviceProfile,
): number[] {
  const alignment = arenaAlignment(profile);
  const changes = new Float64Array(nodes.length + 1);
  for (const { first, last, bytes } of lifetimes) {
    changes[first]! += alignUp(bytes, alignment);
    changes[last + 1]! -= alignUp(bytes, alignment);
  }
  let live = 0;
  return nodes.map((_, i) => (live += changes[i]!));
}
