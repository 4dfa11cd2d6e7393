import { planPipeline, type PartPalettes, type PipelineShape, type ShapedPlan } from '@pleinair/diffusion';
import type { DeviceProfile, PlanOptions } from '@pleinair/tensor';
import { partGraph, partsOf, textToImageParts, type PartName, type TextToImagePart } from './graphs.js';
import type { SdxlConfig } from './model-config.js';

/** A whole pipeline's figures, and the shape they are for. */
export type SdxlPlan = ShapedPlan<TextToImagePart>;

/**
 * Plans every part of the pipeline for an adapter. Needs no GPU and no weights.
 *
 * @param options - What the run is planned with, such as a tuner's choices.
 * @param palettesOf - Each part's palettized tensors.
 * @throws ShapeError `shape/size`; DeviceError `device/limit`, which says what fits.
 */
export function planSdxl(
  config: SdxlConfig,
  shape: PipelineShape,
  profile?: DeviceProfile,
  options?: PlanOptions,
  palettesOf?: PartPalettes<PartName>,
): SdxlPlan {
  return planPipeline(
    partsOf(config, textToImageParts),
    (each, part) => partGraph(config, each, part, palettesOf),
    shape,
    profile,
    options,
  );
}
