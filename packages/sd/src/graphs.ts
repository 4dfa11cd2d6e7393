import {
  denoiserGraph,
  denoiserShape,
  vaeDecoderGraph,
  vaeEncoderGraph,
  type PartExtras,
  type PartPalettes,
  type PartSpec,
  type PipelineShape,
} from '@pleinair/diffusion';
import type { Graph } from '@pleinair/tensor';
import { textEncoderGraph } from '@pleinair/text';
import type { SdConfig } from './model-config.js';

export type { PipelineShape } from '@pleinair/diffusion';

/** The parts of a model in the order in which they work, named as their folders but for the halves of the VAE. */
export const parts = [
  { name: 'text_encoder', kind: 'text-encoder', folder: 'text_encoder' },
  { name: 'vae_encoder', kind: 'vae-encoder', folder: 'vae' },
  { name: 'unet', kind: 'denoiser', folder: 'unet' },
  { name: 'vae_decoder', kind: 'vae-decoder', folder: 'vae' },
] as const satisfies readonly PartSpec[];

/** Name of a part. */
export type PartName = (typeof parts)[number]['name'];

/** The parts that make a picture of a text. */
export const textToImageParts = parts.filter((part) => part.kind !== 'vae-encoder');

/** Name of one of them. */
export type TextToImagePart = (typeof textToImageParts)[number]['name'];

/** Their names. */
export const partNames: readonly TextToImagePart[] = textToImageParts.map(({ name }) => name);

/** Folder of the checkpoint each part's weights lie in. */
export const partFolders = Object.fromEntries(parts.map(({ name, folder }) => [name, folder])) as Readonly<
  Record<PartName, string>
>;

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
  extras: PartExtras = {},
): Graph {
  const unetShape = denoiserShape(config, shape, config.textEncoder.maxPositions);
  const { precision: dtype, clipSkip = 0 } = shape;
  const palettes = palettesOf(part);
  switch (part) {
    // The last layer's states, normalised: what Stable Diffusion was trained on (2.x has one layer less, by its config).
    // One chunk of 77 tokens at a time.
    case 'text_encoder':
      return textEncoderGraph(config.textEncoder, {
        batch: 1,
        skipLayers: clipSkip,
        unskipped: 0,
        pooled: false,
        finalNorm: true,
        dtype,
        palettes,
        ...extras,
      });
    case 'unet':
      return denoiserGraph(config.unet, { ...unetShape, palettes, lowRank: extras.lowRank });
    case 'vae_encoder':
      return vaeEncoderGraph(config.vae, shape, palettes);
    case 'vae_decoder':
      return vaeDecoderGraph(config.vae, shape, palettes);
  }
}
