import { checkDispatch } from './check-dispatch.js';
import type { DType } from './dtype.js';
import type { GraphNode } from './graph-node.js';
import type { Dispatch, Kernel } from './kernel.js';
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
  /** What it could choose among, by the key it asked `pick` with. */
  readonly choices: ReadonlyMap<string, VariantChoice>;
}

/** What a node could choose among for one shape. */
export interface VariantChoice {
  /** All that the adapter supports. */
  readonly variants: readonly string[];
  /** Those among which a tuner should look for the fastest. */
  readonly worthTiming: readonly string[];
}

/** What lowering a node depends on besides the node. */
export interface LoweringSettings {
  readonly profile: DeviceProfile;
  readonly options: PlanOptions;
  /** The tensor whose storage a tensor has taken over, or itself. */
  readonly rootOf: (tensor: Tensor) => Tensor;
  /** Kernels by key: of equal ones one is kept, since each holds its whole text and a model has thousands of dispatches. */
  readonly kernels: Map<string, Kernel>;
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
  { profile, options, rootOf, kernels }: LoweringSettings,
): LoweredNode {
  const scratch: Tensor[] = [];
  const choices = new Map<string, VariantChoice>();
  let asked = false;
  const chosen = node.lower({
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
    pick(shapeKey, variants, worthTiming = variants) {
      choices.set(shapeKey, { variants, worthTiming });
      return options.pick?.(shapeKey, variants);
    },
  });
  for (const dispatch of chosen) checkDispatch(dispatch, node, scratch, profile, rootOf);
  const dispatches = chosen.map((dispatch) => withKnownKernel(dispatch, kernels));
  return { node, dispatches, scratch, inPlace, room: asked ? room : undefined, choices };
}

function withKnownKernel(dispatch: Dispatch, kernels: Map<string, Kernel>): Dispatch {
  const { kernel } = dispatch;
  const known = kernels.get(kernel.key);
  if (!known) kernels.set(kernel.key, kernel);
  return !known || known === kernel ? dispatch : { ...dispatch, kernel: known };
}
