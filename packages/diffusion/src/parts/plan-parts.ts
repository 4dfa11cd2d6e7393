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
  readonly peakBytes: { readonly low: number; readonly resident: number };
}

/**
 * Plans the parts of a pipeline for an adapter. Needs no GPU and no weights.
 *
 * @param graphOf - Records a part; the run must use the same graphs, so that its figures are these.
 * @param options - What the run is planned with, such as a tuner's choices.
 */
export function planParts<Name extends string>(
  names: readonly Name[],
  graphOf: (name: Name) => Graph,
  profile: DeviceProfile = defaultProfile,
  options: PlanOptions = {},
): PipelinePlan<Name> {
  const graphs = names.map(graphOf);
  const planned = (transformedWeights: boolean): ProgramPlan[] =>
    graphs.map((graph) => planProgram(graph, profile, { transformedWeights, ...options }));
  const plans = planned(false);
  return {
    profile: profile.name,
    components: Object.fromEntries(names.map((name, i) => [name, partPlan(plans[i]!)])) as Record<Name, PartPlan>,
    // Where memory is not short, weights may lie transformed, which makes them larger.
    peakBytes: { low: lowPeak(plans), resident: residentPeak(planned(true)) },
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

function bytesOf(segment: SegmentPlan): number {
  return segment.weights.reduce((sum, w) => sum + weightBytes(w), 0);
}

/**
 * Parts in turn, each freed before the next. Weights used once a prompt are loaded, used and freed before those of the
 * loop, so a part's peak is the larger of its segments'.
 */
export function lowPeak(plans: readonly ProgramPlan[]): number {
  const peaks = plans.map((plan) => {
    const weights = Math.max(...plan.segments.map(bytesOf));
    return weights + plan.intermediatesBytes + plan.persistentBytes;
  });
  return Math.max(...peaks);
}

/** All weights stay; the arena is shared, since only one part runs at a time. */
function residentPeak(plans: readonly ProgramPlan[]): number {
  const sum = (of: (plan: ProgramPlan) => number): number => plans.reduce((total, plan) => total + of(plan), 0);
  return (
    sum((p) => p.weightsBytes) + sum((p) => p.persistentBytes) + Math.max(...plans.map((p) => p.intermediatesBytes))
  );
}
