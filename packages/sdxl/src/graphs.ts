import { decoderGraph, denoiserGraph, vaeFactor } from '@pleinair/diffusion';
import { ShapeError, type Graph } from '@pleinair/tensor';
import { textEncoderGraph } from '@pleinair/text';
import type { SdxlConfig } from './model-config.js';

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

/** All that the graphs' shapes depend on. */
export interface PipelineShape {
  /** Picture size in pixels. */
  readonly width: number;
  readonly height: number;
  /** Pictures denoised side by side. */
  readonly pictures: number;
  /** Guidance scale above 1: the UNet's batch is twice the pictures. */
  readonly guided: boolean;
  readonly halves: 'together' | 'in-turn';
  /** Prompt chunks of 77 tokens. */
  readonly chunks: number;
  readonly precision: 'f16' | 'f32';
  /** What the solver keeps: planes beside the latents, and whether it draws noise. */
  readonly solver: { readonly slots: number; readonly drawsNoise: boolean };
}

/** Checks a picture size against the model and returns the latent size. */
export function latentSize(config: SdxlConfig, width: number, height: number): { width: number; height: number } {
  const factor = vaeFactor(config.vae);
  for (const [name, value] of [
    ['width', width],
    ['height', height],
  ] as const) {
    if (!Number.isInteger(value) || value <= 0 || value % factor !== 0) {
      const near = Math.max(factor, Math.round(value / factor) * factor) || factor;
      throw new ShapeError(
        'shape/size',
        `generate: expected ${name} to be a positive multiple of ${factor} pixels, got ${value}. Try ${near}.`,
      );
    }
  }
  return { width: width / factor, height: height / factor };
}

/** Records the graph of one part. The plan and the run both use these, so figures and pictures come from the same graph. */
export function partGraph(config: SdxlConfig, shape: PipelineShape, part: PartName): Graph {
  const { width, height } = latentSize(config, shape.width, shape.height);
  const dtype = shape.precision;
  switch (part) {
    // One chunk of 77 tokens at a time: chunks do not see one another, and so nothing depends on their number.
    case 'text_encoder':
      return textEncoderGraph(config.textEncoder, { batch: 1, skipLayers: 1, pooled: false, dtype });
    case 'text_encoder_2':
      return textEncoderGraph(config.textEncoder2, { batch: 1, skipLayers: 1, pooled: true, dtype });
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
      });
    case 'vae_decoder':
      return decoderGraph(config.vae, { batch: 1, height, width, dtype });
  }
}
