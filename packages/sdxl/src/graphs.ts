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
import type { SdxlConfig } from './model-config.js';

export type { PipelineShape } from '@pleinair/diffusion';

/** The parts of a model in the order in which they work, named as their folders but for the halves of the VAE. */
export const parts = [
  { name: 'text_encoder', kind: 'text-encoder', folder: 'text_encoder' },
  { name: 'text_encoder_2', kind: 'text-encoder', folder: 'text_encoder_2' },
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

/** The parts that a model has: the refiner goes without the first text encoder. */
export function partsOf<Part extends { readonly name: PartName }>(
  { textEncoder }: Pick<SdxlConfig, 'textEncoder'>,
  of: readonly Part[],
): readonly Part[] {
  return textEncoder ? of : of.filter(({ name }) => name !== 'text_encoder');
}

/** Folder of the checkpoint each part's weights lie in. */
export const partFolders = Object.fromEntries(parts.map(({ name, folder }) => [name, folder])) as Readonly<
  Record<PartName, string>
>;

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
  extras: PartExtras = {},
): Graph {
  const unetShape = denoiserShape(config, shape, config.textEncoder2.maxPositions);
  const { precision: dtype, clipSkip = 0 } = shape;
  const palettes = palettesOf(part);
  const text = { batch: 1, skipLayers: 1 + clipSkip, unskipped: 1, dtype, palettes, ...extras } as const;
  switch (part) {
    // One chunk of 77 tokens at a time: chunks do not see one another, and so nothing depends on their number.
    case 'text_encoder':
      return textEncoderGraph(config.textEncoder!, { ...text, pooled: false });
    case 'text_encoder_2':
      return textEncoderGraph(config.textEncoder2, { ...text, pooled: true });
    case 'unet':
      return denoiserGraph(config.unet, { ...unetShape, palettes, lowRank: extras.lowRank }, config.sizeNumbers);
    case 'vae_encoder':
      return vaeEncoderGraph(config.vae, shape, palettes);
    case 'vae_decoder':
      return vaeDecoderGraph(config.vae, shape, palettes);
  }
}

/**
 * Records the UNet so that what its layers multiply lies in tensors: see `readLayerInputs`. Its results are those of
 * {@link partGraph} to rounding.
 */
export function visibleUnetGraph(config: SdxlConfig, shape: PipelineShape): Graph {
  const unetShape = denoiserShape(config, shape, config.textEncoder2.maxPositions);
  return denoiserGraph(config.unet, { ...unetShape, visibleInputs: true }, config.sizeNumbers);
}
