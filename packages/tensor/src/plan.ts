import { checkDispatch } from './check-dispatch.js';
import type { DType } from './dtype.js';
import { DeviceError, ShapeError } from './errors.js';
import type { Graph, GraphNode } from './graph.js';
import type { Dispatch } from './kernel.js';
import { alignUp, planArena, type Lifetime } from './planner.js';
import type { DeviceProfile } from './profile.js';
import { tensorBytes, type Tensor } from './tensor.js';
import type { Weight } from './weight.js';

/** A node after its variant was chosen. */
export interface LoweredNode {
  readonly node: GraphNode;
  readonly dispatches: readonly Dispatch[];
  readonly scratch: readonly Tensor[];
  /** True when the output has taken over the `inPlace` input's storage. */
  readonly inPlace: boolean;
}

/** One segment, lowered and placed. */
export interface SegmentPlan {
  readonly name: string;
  readonly nodes: readonly LoweredNode[];
  /** Byte offset in the arena of each tensor that lives within the segment. */
  readonly offsets: ReadonlyMap<Tensor, number>;
  /** What was placed: one lifetime a storage, in-place chains being one. */
  readonly lifetimes: readonly Lifetime[];
  readonly intermediatesBytes: number;
  readonly naiveBytes: number;
  readonly flops: number;
  readonly executedFlops: number;
  readonly bytesMoved: number;
  readonly dispatches: number;
  /** Weights the segment reads. */
  readonly weights: readonly Weight[];
}

/** The exact figures of a program, known without a GPU and without weights. */
export interface ProgramPlan {
  readonly graph: Graph;
  readonly profile: DeviceProfile;
  readonly segments: readonly SegmentPlan[];
  readonly persistent: readonly Tensor[];
  /** All that is uploaded. */
  readonly weightsBytes: number;
  /** Size of the arena that all segments share: the planned peak of tensors living within one run, scratch included. */
  readonly intermediatesBytes: number;
  /** The arena is one buffer up to this size, and else cut at its multiples; no tensor lies across a cut. */
  readonly arenaPageBytes: number;
  /** What lives between runs (inputs, state, outputs, what segments leave for one another) and the uniform blocks. */
  readonly persistentBytes: number;
  readonly uniformBytes: number;
  /** Distinct pipelines over all segments. */
  readonly pipelines: number;
  /** The keys of those pipelines. */
  readonly kernelKeys: readonly string[];
}

/** Options of {@link planProgram}. */
export interface PlanOptions {
  /** The tuner's pick for a shape, if it has one. */
  readonly pick?: (shapeKey: string, variants: readonly string[]) => string | undefined;
}

/**
 * Lowers every node for a device profile and places every tensor. Pure: the executor runs exactly this plan, so its
 * figures are the run's figures.
 */
export function planProgram(graph: Graph, profile: DeviceProfile, options: PlanOptions = {}): ProgramPlan {
  const persistent = graph.persistent();
  const segments = graph.segments.map(({ name, nodes }) => planSegment(name, nodes, persistent, profile, options));
  const used = new Set<Tensor>(graph.names.values());
  for (const segment of segments) {
    for (const { node } of segment.nodes)
      for (const t of [...node.inputs, ...node.outputs]) if (persistent.has(t)) used.add(t);
  }
  const kernelKeys = new Set<string>();
  let uniformBytes = 0;
  for (const segment of segments) {
    for (const { dispatches } of segment.nodes) {
      for (const { kernel } of dispatches) {
        kernelKeys.add(kernel.key);
        uniformBytes += alignUp(kernel.uniformBytes, profile.limits.minUniformBufferOffsetAlignment);
      }
    }
  }
  return {
    graph,
    profile,
    segments,
    persistent: [...used],
    weightsBytes: graph.weights.reduce((sum, w) => sum + weightBytes(w), 0),
    intermediatesBytes: Math.max(0, ...segments.map((s) => s.intermediatesBytes)),
    arenaPageBytes: pageBytes(profile),
    persistentBytes: [...used].reduce((sum, t) => sum + allocationBytes(tensorBytes(t)), 0) + uniformBytes,
    uniformBytes,
    pipelines: kernelKeys.size,
    kernelKeys: [...kernelKeys],
  };
}

/** Bytes really allocated for a buffer of this content: at least one vec4 of f32, so that empty tensors can be bound. */
export function allocationBytes(bytes: number): number {
  return alignUp(Math.max(bytes, 16), 16);
}

function arenaAlignment(profile: DeviceProfile): number {
  return Math.max(profile.limits.minStorageBufferOffsetAlignment, 16);
}

function pageBytes(profile: DeviceProfile): number {
  const alignment = arenaAlignment(profile);
  return Math.floor(profile.limits.maxBufferSize / alignment) * alignment;
}

/** Bytes of a weight's buffer: its elements, or one vec4 of f32 where it has none. */
export function weightBytes(weight: Weight): number {
  return Math.max(weight.byteLength, 16);
}

function planSegment(
  name: string,
  nodes: readonly GraphNode[],
  persistent: ReadonlySet<Tensor>,
  profile: DeviceProfile,
  options: PlanOptions,
): SegmentPlan {
  const alignment = arenaAlignment(profile);
  const lastUse = new Map<Tensor, number>();
  const written = new Set<Tensor>(persistent);
  nodes.forEach((node, i) => {
    for (const input of node.inputs) {
      if (!written.has(input)) {
        throw new ShapeError(
          'graph/unwritten',
          `${name}: expected ${node.label} (${node.op}) to read a written tensor, got "${input.name}". Record its producer first.`,
        );
      }
      lastUse.set(input, i);
    }
    for (const output of node.outputs) {
      written.add(output);
      lastUse.set(output, i);
    }
  });

  // Tensors that share storage through in-place outputs are one lifetime, known by the tensor at its root.
  const root = new Map<Tensor, Tensor>();
  const rootOf = (t: Tensor): Tensor => root.get(t) ?? t;
  const spans = new Map<Tensor, { first: number; last: number; bytes: number }>();
  const lowered: LoweredNode[] = [];
  const weights = new Set<Weight>();
  let naiveBytes = 0;
  let scratchId = -1;
  nodes.forEach((node, i) => {
    const reuse = node.inPlace;
    const target = node.outputs[0];
    const inPlace =
      reuse !== undefined &&
      target !== undefined &&
      !persistent.has(reuse) &&
      !persistent.has(target) &&
      lastUse.get(reuse) === i &&
      node.inputs.filter((input) => input === reuse).length === 1 &&
      reuse.dtype === target.dtype &&
      tensorBytes(reuse) === tensorBytes(target);
    for (const output of node.outputs) {
      if (persistent.has(output)) continue;
      naiveBytes += tensorBytes(output);
      if (inPlace && output === target) root.set(output, rootOf(reuse));
      const key = rootOf(output);
      const span = spans.get(key);
      const last = lastUse.get(output)!;
      if (span) span.last = Math.max(span.last, last);
      else spans.set(key, { first: i, last, bytes: tensorBytes(output) });
    }
    const scratch: Tensor[] = [];
    const dispatches = node.lower({
      profile,
      inPlace,
      scratch(scratchName, shape, dtype: DType) {
        const tensor: Tensor = { id: scratchId--, name: `${node.label}/${scratchName}`, shape: [...shape], dtype };
        scratch.push(tensor);
        return tensor;
      },
      pick: options.pick ?? (() => undefined),
    });
    for (const tensor of scratch) {
      naiveBytes += tensorBytes(tensor);
      spans.set(tensor, { first: i, last: i, bytes: tensorBytes(tensor) });
    }
    for (const dispatch of dispatches) checkDispatch(dispatch, node, scratch, profile, rootOf);
    for (const weight of node.weights) weights.add(weight);
    lowered.push({ node, dispatches, scratch, inPlace });
  });

  const keys = [...spans.keys()];
  const lifetimes: Lifetime[] = keys.map((tensor, id) => {
    const { first, last, bytes } = spans.get(tensor)!;
    return { id, bytes: allocationBytes(bytes), first, last };
  });
  const page = pageBytes(profile);
  const tooLarge = keys.find((tensor) => spans.get(tensor)!.bytes > page);
  if (tooLarge) {
    throw new DeviceError(
      'device/limit',
      `${name}: expected every tensor to fit a buffer of ${page} bytes (this adapter's largest), got ${tooLarge.name} ` +
        `[${tooLarge.shape.join(', ')}], ${tensorBytes(tooLarge)} bytes. Use a smaller picture or batch, or f16 precision.`,
    );
  }
  const placement = planArena(lifetimes, alignment, page);
  const offsets = new Map<Tensor, number>();
  keys.forEach((tensor, id) => offsets.set(tensor, placement.offsets.get(id)!));
  for (const tensor of root.keys()) offsets.set(tensor, offsets.get(rootOf(tensor))!);

  const all = lowered.flatMap((n) => n.dispatches);
  return {
    name,
    nodes: lowered,
    offsets,
    lifetimes,
    intermediatesBytes: placement.bytes,
    naiveBytes,
    flops: all.reduce((sum, d) => sum + d.flops, 0),
    executedFlops: all.reduce((sum, d) => sum + (d.executedFlops ?? d.flops), 0),
    bytesMoved: all.reduce((sum, d) => sum + d.bytesMoved, 0),
    dispatches: all.length,
    weights: [...weights],
  };
}
