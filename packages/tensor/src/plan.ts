import type { Graph } from './graph.js';
import type { LoweredNode } from './lower-nodes.js';
import { alignUp, type Lifetime } from './planner.js';
import { allocationBytes, arenaPageBytes } from './arena-size.js';
import { placeHeld } from './held.js';
import { SegmentPlanner } from './plan-segment.js';
import type { DeviceProfile } from './profile.js';
import { tensorBytes, type Tensor } from './tensor.js';
import { weightKey, type Weight } from './weight.js';

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
  /** Weights the segment reads, in the layouts its kernels were given. */
  readonly weights: readonly Weight[];
}

/** The exact figures of a program, known without a GPU and without weights. */
export interface ProgramPlan {
  readonly graph: Graph;
  readonly profile: DeviceProfile;
  readonly segments: readonly SegmentPlan[];
  readonly persistent: readonly Tensor[];
  /** Every weight some segment reads, once, in the layouts its kernels were given. */
  readonly weights: readonly Weight[];
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

/** Whether something is planned already, or only recorded. */
export function isPlan(what: Graph | ProgramPlan): what is ProgramPlan {
  return 'kernelKeys' in what;
}

/** Chooses among the variants that can do a shape, or leaves it to the heuristic. */
export type PickVariant = (shapeKey: string, variants: readonly string[]) => string | undefined;

/** Options of {@link planProgram}. */
export interface PlanOptions {
  /** The tuner's pick for a shape, if it has one. */
  readonly pick?: PickVariant;
  /**
   * Bytes of scratch that any node may take even where that raises the peak, e.g. to time a node alone. By default a node
   * has only what the peak leaves free while it runs, or what the graph allows.
   * @defaultValue 0
   */
  readonly scratchBytes?: number;
  /**
   * Whether kernels may have weights laid out larger than they are where that is faster, e.g. transformed for Winograd's
   * algorithm, (m + 2)²/9 times the size. Where not, they transform them on the fly.
   * @defaultValue false
   */
  readonly transformedWeights?: boolean;
}

/**
 * Lowers every node for a device profile and places every tensor. Pure: the executor runs exactly this plan, so its
 * figures are the run's figures.
 *
 * Nodes are lowered as if scratch were dear; then those that asked for {@link LowerContext.room} are lowered again with
 * what the fullest moment of the whole program leaves free at theirs, so that a faster variant with a larger scratch
 * never raises the peak.
 */
export function planProgram(graph: Graph, profile: DeviceProfile, options: PlanOptions = {}): ProgramPlan {
  const persistent = graph.persistent();
  const settings = { ...options, scratchBytes: Math.max(options.scratchBytes ?? 0, graph.scratchBytes) };
  const held = placeHeld(graph, profile);
  const planners = graph.segments.map(
    ({ name, nodes }, i) => new SegmentPlanner(name, nodes, persistent, held[i]!, profile, settings),
  );
  const arenaBytes = Math.max(0, ...planners.map((planner) => planner.placedBytes));
  const weights = new Map<string, Weight>();
  const once = (weight: Weight): Weight => {
    const known = weights.get(weightKey(weight));
    if (known) return known;
    weights.set(weightKey(weight), weight);
    return weight;
  };
  const segments = planners.map((planner) => planner.finish(arenaBytes, once));
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
    weights: [...weights.values()],
    weightsBytes: [...weights.values()].reduce((sum, w) => sum + weightBytes(w), 0),
    intermediatesBytes: Math.max(0, ...segments.map((s) => s.intermediatesBytes)),
    arenaPageBytes: arenaPageBytes(profile),
    persistentBytes: [...used].reduce((sum, t) => sum + allocationBytes(tensorBytes(t)), 0) + uniformBytes,
    uniformBytes,
    pipelines: kernelKeys.size,
    kernelKeys: [...kernelKeys],
  };
}

/** Bytes of a weight's buffer: its elements, or one vec4 of f32 where it has none. */
export function weightBytes(weight: Weight): number {
  return Math.max(weight.byteLength, 16);
}
