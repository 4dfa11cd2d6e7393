import {
  planOrSayWhatFits,
  planParts,
  planTiledDecoder,
  type PartPalettes,
  type PartPlan,
  type PipelinePlan,
  type PipelineShape,
} from '@pleinair/diffusion';
import type { DeviceProfile, PlanOptions } from '@pleinair/tensor';
import { partGraph, partNames, type PartName } from './graphs.js';
import type { SdConfig } from './model-config.js';

/** A whole pipeline's figures, and the shape they are for. */
export interface SdPlan extends PipelinePlan<PartName> {
  readonly shape: PipelineShape;
  /** The parts as they run (the decoder as `shape.vae` says), and the decoder in bands whether it runs so or not. */
  readonly components: Readonly<Record<PartName, PartPlan>> & { readonly vae_decoder_tiled: PartPlan };
}

/**
 * Plans every part of the pipeline for an adapter. Needs no GPU and no weights.
 *
 * @param options - What the run is planned with, such as a tuner's choices.
 * @param palettesOf - Each part's palettized tensors.
 * @throws ShapeError `shape/size`; DeviceError `device/limit`, which says what fits.
 */
export function planSd(
  config: SdConfig,
  shape: PipelineShape,
  profile?: DeviceProfile,
  options?: PlanOptions,
  palettesOf?: PartPalettes<PartName>,
): SdPlan {
  return planOrSayWhatFits(shape, (each) => {
    const plan = planParts(partNames, (name) => partGraph(config, each, name, palettesOf), profile, options);
    const vae_decoder_tiled = planTiledDecoder(config.vae, each, profile, options, palettesOf?.('vae_decoder'));
    return { ...plan, components: { ...plan.components, vae_decoder_tiled }, shape: each };
  });
}
