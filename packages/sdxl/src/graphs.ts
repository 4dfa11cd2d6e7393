import {
  denoiserGraph,
  latentSize,
  vaeDecoderGraph,
  type DenoiserShape,
  type PartPalettes,
  type PipelineShape,
} from '@pleinair/diffusion';
import type { Graph } from '@pleinair/tensor';
import { textEncoderGraph } from '@pleinair/text';
import type { SdxlConfig } from './model-config.js';

export type { PipelineShape } from '@pleinair/diffusion';

/** The parts of the pipeline, named as their folders in diffusers layout but for the decoding half of the VAE. */
export const partNames = ['text_encoder', 'text_encoder_2', 'unet', 'vae_decoder'] as const;
export type PartName = (typeof partNames)[number];

/** Folder of the checkpoint each part's weights lie in. */
export const partFolders: Readonly<Record<PartName, string>> = {
  text_encoder: 'text_encoder',
  text_encoder_2: 'text_encoder_2',
  unet: 'unet',
  vae_decoder: 'vae',
};

/**
 * Records the graph of one part. The plan and the run both use these, so figures and pictures come from the same graph.
 *
 * @param palettesOf - Each part's palettized tensors.
 */
export function partGraph(
  config: SdxlConfig,
  shape: PipelineShape,
  part: PartName,
  palettesOf: PartPalettes<PartName> = () => undefined,
): Graph {
  const unetShape = denoiserShape(config, shape);
  const { dtype } = unetShape;
  const palettes = palettesOf(part);
  switch (part) {
    // One chunk of 77 tokens at a time: chunks do not see one another, and so nothing depends on their number.
    case 'text_encoder':
      return textEncoderGraph(config.textEncoder, { batch: 1, skipLayers: 1, pooled: false, dtype, palettes });
    case 'text_encoder_2':
      return textEncoderGraph(config.textEncoder2, { batch: 1, skipLayers: 1, pooled: true, dtype, palettes });
    case 'unet':
      return denoiserGraph(config.unet, { ...unetShape, palettes });
    case 'vae_decoder':
      return vaeDecoderGraph(config.vae, shape, palettes);
  }
}

/**
 * Records the UNet so that what its layers multiply lies in tensors: see `readLayerInputs`. Its results are those of
 * {@link partGraph} to rounding.
 */
export function visibleUnetGraph(config: SdxlConfig, shape: PipelineShape): Graph {
  return denoiserGraph(config.unet, { ...denoiserShape(config, shape), visibleInputs: true });
}

/** Throws as `latentSize`. */
function denoiserShape(config: SdxlConfig, shape: PipelineShape): DenoiserShape {
  return {
    pictures: shape.pictures,
    ...latentSize(config.vae, shape.width, shape.height),
    tokens: config.textEncoder.maxPositions * shape.chunks,
    guided: shape.guided,
    halves: shape.halves,
    ...shape.solver,
    dtype: shape.precision,
    preview: shape.preview ? config.latentToRgb : undefined,
  };
}
