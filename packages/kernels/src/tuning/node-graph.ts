import { Graph, replacedBy, type GraphNode, type PickVariant, type PlanOptions } from '@pleinair/tensor';

/** The one segment of a node's own program. */
export const NODE_SEGMENT = 'node';

/**
 * A graph of one node, just as it stands in its model. Where its output takes over an input's storage there, it does so
 * here: that input is then written by a node before it that dispatches nothing.
 */
export function nodeGraph({ node, inPlace }: LoneNode): Graph {
  const graph = new Graph(`tune ${node.label}`, { dtype: 'f32' });
  graph.segment(NODE_SEGMENT);
  const replaced = inPlace ? replacedBy(node) : undefined;
  const bystanders = [...node.inputs, ...(replaced ? [] : node.outputs)].filter((tensor) => tensor !== replaced);
  new Set(bystanders).forEach((tensor) => void graph.output(`tensor ${tensor.id}`, tensor));
  if (replaced) {
    graph.add({ op: 'source', label: 'source', inputs: [], weights: [], outputs: [replaced], lower: () => [] });
  }
  graph.add(node);
  return graph;
}

/** A node, and whether its output takes over an input's storage where it stands. */
export interface LoneNode {
  readonly node: GraphNode;
  readonly inPlace: boolean;
}

/** Options of the plan of {@link nodeGraph}: a variant forced for one shape, the node's room, all else as in the model. */
export function alonePlan(
  { shape, room }: { readonly shape: string; readonly room: number },
  variant: string | undefined,
  plan: PlanOptions = {},
): PlanOptions {
  const pick: PickVariant = (asked, variants) => (asked === shape ? variant : plan.pick?.(asked, variants));
  return { ...plan, pick, scratchBytes: room };
}
