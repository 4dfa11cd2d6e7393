import { denoiserGraph, latentSize, vaeDecoderGraph, type PartPalettes, type PipelineShape } from '@pleinair/diffusion';
import type { Graph } from '@pleinair/tensor';
import { textEncoderGraph } from '@pleinair/text';
import type { SdConfig } from './model-config.js';

export type { PipelineShape } from '@pleinair/diffusion';

/** The parts of the pipeline, named as their folders in diffusers layout but for the decoding half of the VAE. */
export const partNames = ['text_encoder', 'unet', 'vae_decoder'] as const;
export type PartName = (typeof partNames)[number];

/** Folder of the checkpoint each part's weights lie in. */
export const partFolders: Readonly<Record<PartName, string>> = {
  text_encoder: 'text_encoder',
  unet: 'unet',
  vae_decoder: 'vae',
};

/**
 * Records the graph of one part.
 *
 * @param palettesOf - Each part's palettized tensors.
 */
export function partGraph(
  config: SdConfig,
  shape: PipelineShape,
  part: PartName,
  palettesOf: PartPalettes<PartName> = () => undefined,
): Graph {
  const { width, height } = latentSize(config.vae, shape.width, shape.height);
  const dtype = shape.precision;
  const palettes = palettesOf(part);
  switch (part) {
    // The last layer's states, normalised: what Stable Diffusion 1.x was trained on. One chunk of 77 tokens at a time.
    case 'text_encoder':
      return textEncoderGraph(config.textEncoder, {
        batch: 1,
        skipLayers: 0,
        pooled: false,
        finalNorm: true,
        dtype,
        palettes,
      });
    case 'unet':
      return denoiserGraph(config.unet, {
        pictures: shape.pictures,
        height,
        width,
        tokens: config.textEncoder.maxPositions * shape.chunks,
        guided: shape.guided,
        halves: shape.halves,
        ...shape.solver,
        dtype,
        palettes,
      });
    case 'vae_decoder':
      return vaeDecoderGraph(config.vae, shape, palettes);
  }
}
