import { planParts, type PipelinePlan } from '@pleinair/diffusion';
import type { DeviceProfile, PlanOptions } from '@pleinair/tensor';
import { partGraph, partNames, type PartName, type PipelineShape } from './graphs.js';
import type { SdxlConfig } from './model-config.js';

/** A whole pipeline's figures, and the shape they are for. */
export interface SdxlPlan extends PipelinePlan<PartName> {
  readonly shape: PipelineShape;
}

/**
 * Plans every part of the pipeline for an adapter. Needs no GPU and no weights.
 *
 * @param options - What the run is planned with, such as a tuner's choices.
 */
export function planSdxl(
  config: SdxlConfig,
  shape: PipelineShape,
  profile?: DeviceProfile,
  options?: PlanOptions,
): SdxlPlan {
  return { ...planParts(partNames, (name) => partGraph(config, shape, name), profile, options), shape };
}
