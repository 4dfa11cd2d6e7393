import { checkDispatch } from './check-dispatch.js';
import type { DType } from './dtype.js';
import type { GraphNode } from './graph.js';
import type { Dispatch } from './kernel.js';
import type { PlanOptions } from './plan.js';
import type { DeviceProfile } from './profile.js';
import type { Tensor } from './tensor.js';

/** A node after its variant was chosen. */
export interface LoweredNode {
  readonly node: GraphNode;
  readonly dispatches: readonly Dispatch[];
  readonly scratch: readonly Tensor[];
  /** True when the output has taken over the `inPlace` input's storage. */
  readonly inPlace: boolean;
  /** Bytes of scratch it was told it may take; undefined when it never asked. */
  readonly room: number | undefined;
  /** The variants it could choose among, by the key it asked `pick` with. */
  readonly choices: ReadonlyMap<string, readonly string[]>;
}

/** What lowering a node depends on besides the node. */
export interface LoweringSettings {
  readonly profile: DeviceProfile;
  readonly options: PlanOptions;
  /** The tensor whose storage a tensor has taken over, or itself. */
  readonly rootOf: (tensor: Tensor) => Tensor;
}

/**
 * Lets a node choose its kernels, and checks what it chose.
 *
 * @param room - Bytes of scratch the node may take.
 * @param firstScratchId - Ids of its scratch tensors count down from here: they are negative, unlike those of a graph.
 */
export function lowerNode(
  node: GraphNode,
  inPlace: boolean,
  room: number,
  firstScratchId: number,
  { profile, options, rootOf }: LoweringSettings,
): LoweredNode {
  const scratch: Tensor[] = [];
  const choices = new Map<string, readonly string[]>();
  let asked = false;
  const dispatches = node.lower({
    profile,
    inPlace,
    get room() {
      asked = true;
      return room;
    },
    scratch(name, shape, dtype: DType) {
      const id = firstScratchId - scratch.length;
      const tensor: Tensor = { id, name: `${node.label}/${name}`, shape: [...shape], dtype };
      scratch.push(tensor);
      return tensor;
    },
    transformedWeights: options.transformedWeights ?? false,
    pick(shapeKey, variants) {
      choices.set(shapeKey, variants);
      return options.pick?.(shapeKey, variants);
    },
  });
  for (const dispatch of dispatches) checkDispatch(dispatch, node, scratch, profile, rootOf);
  return { node, dispatches, scratch, inPlace, room: asked ? room : undefined, choices };
}
