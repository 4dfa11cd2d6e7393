import { planParts, type PipelinePlan, type PipelineShape } from '@pleinair/diffusion';
import type { DeviceProfile, PlanOptions } from '@pleinair/tensor';
import { partGraph, partNames, type PartName } from './graphs.js';
import type { SdConfig } from './model-config.js';

/** A whole pipeline's figures, and the shape they are for. */
export interface SdPlan extends PipelinePlan<PartName> {
  readonly shape: PipelineShape;
}

/**
 * Plans every part of the pipeline for an adapter. Needs no GPU and no weights.
 *
 * @param options - What the run is planned with, such as a tuner's choices.
 */
export function planSd(config: SdConfig, shape: PipelineShape, profile?: DeviceProfile, options?: PlanOptions): SdPlan {
  return { ...planParts(partNames, (name) => partGraph(config, shape, name), profile, options), shape };
}
