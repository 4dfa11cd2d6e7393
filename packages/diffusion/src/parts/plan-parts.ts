import {
  defaultProfile,
  planProgram,
  weightBytes,
  type DeviceProfile,
  type Graph,
  type PlanOptions,
  type ProgramPlan,
  type SegmentPlan,
} from '@pleinair/tensor';
import { STEP_SEGMENT } from '../denoise/denoiser-graph.js';
import { memoryModes, memoryPolicy, type MemoryMode, type MemoryPolicy } from './memory-policy.js';
import type { PartKind, PartSpec } from './part-spec.js';

/** The figures of one part. All bytes are exact: the run allocates just these. */
export interface PartPlan {
  /** All that is uploaded. */
  readonly weightsBytes: number;
  /** What must be resident while the part runs repeatedly. */
  readonly loopWeightsBytes: number;
  /** Planned peak of tensors living only within one run, scratch included. */
  readonly intermediatesBytes: number;
  /** What lives between runs: latents, embeddings, stored keys and values, parameters of the kernels. */
  readonly persistentBytes: number;
  /** Sum of all intermediates, as an engine without planning would hold. */
  readonly naiveBytes: number;
  /** Work of one run (for the UNet: one step) by the direct algorithms; a multiply-add is 2. */
  readonly flops: number;
  /** Work really done, after Winograd and the like. */
  readonly executedFlops: number;
  readonly bytesMoved: number;
  readonly dispatches: number;
  /** Distinct pipelines, all segments together. */
  readonly pipelines: number;
}

/** A whole pipeline's figures. The parts' are those of memory mode `low`, where weights are never laid out larger. */
export interface PipelinePlan<Name extends string = string> {
  readonly profile: string;
  readonly components: Readonly<Record<Name, PartPlan>>;
  /** Peak GPU bytes over the whole pipeline in each memory mode, everything above counted. */
  readonly peakBytes: Readonly<Record<MemoryMode, number>>;
}

/**
 * Plans the parts of a pipeline for an adapter. Needs no GPU and no weights.
 *
 * @param graphOf - Records a part; the run must use the same graphs, so that its figures are these.
 * @param options - What the run is planned with, such as a tuner's choices.
 */
export function planParts<Name extends string>(
  parts: readonly PartSpec<Name>[],
  graphOf: (name: Name) => Graph,
  profile: DeviceProfile = defaultProfile,
  options: PlanOptions = {},
): PipelinePlan<Name> {
  const graphs = parts.map(({ name }) => graphOf(name));
  const planned = (transformedWeights: boolean): PlannedPart[] =>
    graphs.map((graph, i) => ({
      kind: parts[i]!.kind,
      plan: planProgram(graph, profile, { transformedWeights, ...options }),
    }));
  const plans = planned(false);
  // Where memory is not short, weights may lie transformed, which makes them larger.
  const transformed = planned(true);
  const peaks = memoryModes.map((mode): [MemoryMode, number] => {
    const policy = memoryPolicy(mode);
    return [mode, peakBytes(policy.transformedWeights ? transformed : plans, policy)];
  });
  return {
    profile: profile.name,
    components: Object.fromEntries(parts.map(({ name }, i) => [name, partPlan(plans[i]!.plan)])) as Record<
      Name,
      PartPlan
    >,
    peakBytes: Object.fromEntries(peaks) as Record<MemoryMode, number>,
  };
}

/** Summarises a program plan: of the UNet its step, of other parts every segment as often as it runs. */
export function partPlan(plan: ProgramPlan): PartPlan {
  const loop = loopSegment(plan);
  const counted = loop.name === STEP_SEGMENT ? [loop] : plan.segments;
  const sum = (of: (segment: SegmentPlan) => number): number =>
    counted.reduce((total, segment) => total + of(segment) * plan.graph.timesOf(segment.name), 0);
  return {
    weightsBytes: plan.weightsBytes,
    loopWeightsBytes: bytesOf(loop),
    intermediatesBytes: plan.intermediatesBytes,
    persistentBytes: plan.persistentBytes,
    // A tensor a segment, however often it runs.
    naiveBytes: counted.reduce((total, { naiveBytes }) => total + naiveBytes, 0),
    flops: sum(({ flops }) => flops),
    executedFlops: sum(({ executedFlops }) => executedFlops),
    bytesMoved: sum(({ bytesMoved }) => bytesMoved),
    dispatches: sum(({ dispatches }) => dispatches),
    pipelines: plan.pipelines,
  };
}

function loopSegment(plan: ProgramPlan): SegmentPlan {
  return plan.segments.find((s) => s.name === STEP_SEGMENT) ?? plan.segments[0]!;
}

/** The weights that are there while each segment runs: those of all that are loaded with it. */
function loadsOf({ graph, segments }: ProgramPlan): Pick<SegmentPlan, 'weights'>[] {
  return segments.map(({ name }) => {
    const names = graph.loadedWith(name);
    return { weights: segments.filter((s) => names.includes(s.name)).flatMap(({ weights }) => weights) };
  });
}

function bytesOf({ weights }: Pick<SegmentPlan, 'weights'>): number {
  return [...new Set(weights)].reduce((sum, w) => sum + weightBytes(w), 0);
}

/** A part's kind and its plan. */
export interface PlannedPart {
  readonly kind: PartKind;
  readonly plan: ProgramPlan;
}

/**
 * The most bytes that parts hold when they work in turn: of every part its own work beside what others keep. Weights used
 * once a prompt are loaded, used and freed before those of the loop where the policy says so, so such a part's peak is the
 * larger of its segments'.
 */
export function peakBytes(parts: readonly PlannedPart[], policy: MemoryPolicy): number {
  const kept = parts
    .filter(({ kind }) => policy.keeps(kind))
    .reduce((sum, { plan }) => sum + plan.weightsBytes + plan.persistentBytes, 0);
  const working = parts.map(({ kind, plan }) => {
    if (policy.keeps(kind)) return plan.intermediatesBytes;
    const weights = policy.bySegment(kind) ? Math.max(...loadsOf(plan).map(bytesOf)) : plan.weightsBytes;
    return weights + plan.intermediatesBytes + plan.persistentBytes;
  });
  return kept + Math.max(...working);
}
