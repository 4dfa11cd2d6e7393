import { planParts, type PipelinePlan } from '@pleinair/diffusion';
import type { DeviceProfile } from '@pleinair/tensor';
import { partGraph, partNames, type PartName, type PipelineShape } from './graphs.js';
import type { SdxlConfig } from './model-config.js';

/** A whole pipeline's figures, and the shape they are for. */
export interface SdxlPlan extends PipelinePlan<PartName> {
  readonly shape: PipelineShape;
}

/** Plans every part of the pipeline for an adapter. Needs no GPU and no weights. */
export function planSdxl(config: SdxlConfig, shape: PipelineShape, profile?: DeviceProfile): SdxlPlan {
  return { ...planParts(partNames, (name) => partGraph(config, shape, name), profile), shape };
}
