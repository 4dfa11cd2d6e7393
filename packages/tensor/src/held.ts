import { allocationBytes, arenaAlignment, arenaPageBytes } from './arena-size.js';
import { ShapeError } from './errors.js';
import type { Graph } from './graph.js';
import type { GraphNode } from './graph-node.js';
import { planArena, type Lifetime } from './planner.js';
import type { DeviceProfile } from './profile.js';
import { tensorBytes, type Tensor } from './tensor.js';

/** A tensor that stays in the arena between segments, as one segment sees it. */
export interface HeldTensor {
  /** Its place in the arena, the same in every segment. */
  readonly offset: number;
  /** Step at which the segment first writes it, having found nothing there; 0 where it holds something before. */
  readonly first: number;
  /** The segment gives it up: its room is free after the last step that uses it. */
  readonly released: boolean;
}

/**
 * Gives each held tensor its place in the arena: those that some segment needs at once lie side by side.
 *
 * @returns For each segment, in order, the tensors held while it runs.
 * @throws ShapeError `graph/unwritten` for one that is used after the segment that gives it up.
 */
export function placeHeld(graph: Graph, profile: DeviceProfile): readonly ReadonlyMap<Tensor, HeldTensor>[] {
  const segments = graph.segments;
  const tensors = [...graph.held];
  const lifetimes = tensors.map((tensor, id): Lifetime => {
    const users = segments.filter(({ nodes }) => nodes.some((node) => uses(node, tensor)));
    const held = new Set(users.flatMap(({ name }) => graph.turnsOf(name)));
    const used = segments.map(({ name }) => held.has(name));
    return {
      id,
      bytes: allocationBytes(tensorBytes(tensor)),
      first: used.indexOf(true),
      last: used.lastIndexOf(true),
    };
  });
  tensors.forEach((tensor, id) => {
    const name = graph.releasedSegment(tensor);
    const after = segments[lifetimes[id]!.last];
    if (name === undefined || after === undefined || after.name === name) return;
    throw new ShapeError(
      'graph/unwritten',
      `${graph.name}: expected "${tensor.name}" to be last used in "${name}", which releases it, got a use in "${after.name}". Release it there.`,
    );
  });
  const { offsets } = planArena(lifetimes, arenaAlignment(profile), arenaPageBytes(profile));
  return segments.map(({ name, nodes }, segment) => {
    const held = new Map<Tensor, HeldTensor>();
    for (const { id, first, last } of lifetimes) {
      if (segment < first || segment > last) continue;
      const tensor = tensors[id]!;
      const start = nodes.findIndex((node) => uses(node, tensor));
      const inTurns = graph.turnsOf(name).length > 1;
      const isNew = segment === first && !inTurns && !nodes[start]!.inputs.includes(tensor);
      held.set(tensor, {
        offset: offsets.get(id)!,
        first: isNew ? start : 0,
        released: graph.releasedSegment(tensor) === name,
      });
    }
    return held;
  });
}

function uses(node: GraphNode, tensor: Tensor): boolean {
  return node.inputs.includes(tensor) || node.outputs.includes(tensor);
}
