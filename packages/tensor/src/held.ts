import { allocationBytes, arenaAlignment, arenaPageBytes } from './arena-size.js';
import type { Graph, GraphNode } from './graph.js';
import { planArena, type Lifetime } from './planner.js';
import type { DeviceProfile } from './profile.js';
import { tensorBytes, type Tensor } from './tensor.js';

/** A tensor that stays in the arena between segments, as one segment sees it. */
export interface HeldTensor {
  /** Its place in the arena, the same in every segment. */
  readonly offset: number;
  /** Step at which the segment first writes it, having found nothing there; 0 where it holds something before. */
  readonly first: number;
}

/**
 * Gives each held tensor its place in the arena: those that some segment needs at once lie side by side.
 *
 * @returns For each segment, in order, the tensors held while it runs.
 */
export function placeHeld(graph: Graph, profile: DeviceProfile): readonly ReadonlyMap<Tensor, HeldTensor>[] {
  const segments = graph.segments;
  const tensors = [...graph.held];
  const lifetimes = tensors.map((tensor, id): Lifetime => {
    const used = segments.map(({ nodes }) => nodes.some((node) => uses(node, tensor)));
    return {
      id,
      bytes: allocationBytes(tensorBytes(tensor)),
      first: used.indexOf(true),
      last: used.lastIndexOf(true),
    };
  });
  const { offsets } = planArena(lifetimes, arenaAlignment(profile), arenaPageBytes(profile));
  return segments.map(({ nodes }, segment) => {
    const held = new Map<Tensor, HeldTensor>();
    for (const { id, first, last } of lifetimes) {
      if (segment < first || segment > last) continue;
      const tensor = tensors[id]!;
      const start = nodes.findIndex((node) => uses(node, tensor));
      const isNew = segment === first && !nodes[start]!.inputs.includes(tensor);
      held.set(tensor, { offset: offsets.get(id)!, first: isNew ? start : 0 });
    }
    return held;
  });
}

function uses(node: GraphNode, tensor: Tensor): boolean {
  return node.inputs.includes(tensor) || node.outputs.includes(tensor);
}
