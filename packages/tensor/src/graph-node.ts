import type { DType } from './dtype.js';
import type { Dispatch } from './kernel.js';
import type { DeviceProfile } from './profile.js';
import type { Tensor } from './tensor.js';
import type { Weight } from './weight.js';

/** What a node's lowering may look at when it chooses kernels. */
export interface LowerContext {
  readonly profile: DeviceProfile;
  /** True when the planner lets the node's output take over the storage of its `inPlace` or `overFront` input. */
  readonly inPlace: boolean;
  /**
   * Bytes of scratch the node may take without raising the program's peak. A node that asks may be lowered twice: as if
   * there were next to none, then with what there is; it must always manage with 0.
   */
  readonly room: number;
  /** True when weights may be laid out larger than they are, where that makes kernels faster; see `PlanOptions`. */
  readonly transformedWeights: boolean;
  /** Makes a tensor that lives only within this node (partial sums, score tiles). */
  scratch(name: string, shape: readonly number[], dtype: DType): Tensor;
  /**
   * The tuner's pick among variants of this shape, or undefined where it has not run: then take the heuristic's.
   * `shapeKey` names the op, its sizes and dtypes.
   *
   * @param worthTiming - Those of the variants that may be the fastest on this adapter, the heuristic's among them; all of
   *   them by default. A tuner times no others, but they may be forced.
   */
  pick(shapeKey: string, variants: readonly string[], worthTiming?: readonly string[]): string | undefined;
}

/** How a convolution slides over pictures `[B, H, W, C]`; all sizes in pixels. */
export interface InputWindow {
  /** Height and width that it slides over: those stored, doubled where it upsamples, less a crop. */
  readonly height: number;
  readonly width: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly kernel: number;
  readonly stride: number;
  /** Zeros before the first row and column; what lies past the last is zero too. */
  readonly pad: number;
  /** How often each stored pixel is repeated, down and across. */
  readonly upsample: number;
}

/** What a node multiplies one of its weights with: for those who want to know what a layer's inputs are like. */
export interface LayerInput {
  readonly weight: Weight;
  /** `[..., C]`; several lie side by side along the last dimension. */
  readonly tensors: readonly Tensor[];
  /** Applied to every value as it is read. */
  readonly activation?: 'silu';
  /** Of a convolution; absent where rows are multiplied as they lie. */
  readonly window?: InputWindow;
}

/** One recorded operation. Fusion is in the vocabulary: a node is already the fused thing. */
export interface GraphNode {
  /** Family for people and traces, e.g. `conv2d`. */
  readonly op: string;
  /** Where in the model it stands, e.g. `down_blocks.0.resnets.1.conv1`. */
  readonly label: string;
  readonly inputs: readonly Tensor[];
  /** Checkpoint tensors it reads; lowering may bind them in another layout ({@link inLayout}). */
  readonly weights: readonly Weight[];
  readonly outputs: readonly Tensor[];
  /**
   * Of the weights it multiplies, what with, where that lies in tensors. What a node makes on the way it cannot show:
   * see `GraphOptions.visibleInputs`.
   */
  readonly layerInputs?: readonly LayerInput[];
  /**
   * The input whose storage the first output may take over, elementwise at the same index (a residual). The planner
   * grants it when that input dies here and both have the same size.
   */
  readonly inPlace?: Tensor;
  /**
   * A larger input whose front the first output may take over, where there is no `inPlace`: the node orders its dispatches
   * so that nothing is overwritten before it was read. Granted, as `inPlace` is, when that input dies here.
   */
  readonly overFront?: Tensor;
  /** Chooses a variant for the device and says what to dispatch. Must be pure: it is called for plans and for runs. */
  lower(context: LowerContext): readonly Dispatch[];
}

/** The input whose storage a node's first output may take over, in either way. */
export function replacedBy(node: GraphNode): Tensor | undefined {
  return node.inPlace ?? node.overFront;
}

/** A named stretch of a graph that runs as one: once per load, per prompt, per step. */
export interface Segment {
  readonly name: string;
  readonly nodes: readonly GraphNode[];
}
