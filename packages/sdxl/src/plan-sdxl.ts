import { STEP_SEGMENT } from '@pleinair/diffusion';
import {
  defaultProfile,
  planProgram,
  weightBytes,
  type DeviceProfile,
  type ProgramPlan,
  type SegmentPlan,
} from '@pleinair/tensor';
import { componentGraph, components, type Component, type PipelineShape } from './graphs.js';
import type { SdxlConfig } from './model-config.js';

/** The figures of one part. All bytes are exact: the run allocates just these. */
export interface ComponentPlan {
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

/** A whole pipeline's figures. */
export interface SdxlPlan {
  readonly profile: string;
  readonly shape: PipelineShape;
  readonly components: Readonly<Record<Component, ComponentPlan>>;
  /** Peak GPU bytes over the whole pipeline in each memory mode, everything above counted. */
  readonly peakBytes: { readonly low: number; readonly resident: number };
}

/** Plans every part of the pipeline for an adapter. Needs no GPU and no weights. */
export function planSdxl(config: SdxlConfig, shape: PipelineShape, profile: DeviceProfile = defaultProfile): SdxlPlan {
  const plans = Object.fromEntries(
    components.map((name) => [name, planProgram(componentGraph(config, shape, name), profile)]),
  ) as Record<Component, ProgramPlan>;
  return {
    profile: profile.name,
    shape,
    components: Object.fromEntries(components.map((name) => [name, componentPlan(plans[name])])) as Record<
      Component,
      ComponentPlan
    >,
    peakBytes: { low: lowPeak(plans), resident: residentPeak(plans) },
  };
}

/** Summarises a program plan; the repeated segment is the UNet's step, or the only one. */
export function componentPlan(plan: ProgramPlan): ComponentPlan {
  const loop = loopSegment(plan);
  return {
    weightsBytes: plan.weightsBytes,
    loopWeightsBytes: bytesOf(loop),
    intermediatesBytes: plan.intermediatesBytes,
    persistentBytes: plan.persistentBytes,
    naiveBytes: loop.naiveBytes,
    flops: loop.flops,
    executedFlops: loop.executedFlops,
    bytesMoved: loop.bytesMoved,
    dispatches: loop.dispatches,
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
function lowPeak(plans: Record<Component, ProgramPlan>): number {
  const peaks = components.map((name) => {
    const plan = plans[name];
    const weights = Math.max(...plan.segments.map(bytesOf));
    return weights + plan.intermediatesBytes + plan.persistentBytes;
  });
  return Math.max(...peaks);
}

/** All weights stay; the arena is shared, since only one part runs at a time. */
function residentPeak(plans: Record<Component, ProgramPlan>): number {
  const all = components.map((name) => plans[name]);
  const sum = (of: (plan: ProgramPlan) => number): number => all.reduce((total, plan) => total + of(plan), 0);
  return sum((p) => p.weightsBytes) + sum((p) => p.persistentBytes) + Math.max(...all.map((p) => p.intermediatesBytes));
}
