import {
  readDefaults,
  readLatentToRgb,
  readUNetConfig,
  readVaeConfig,
  sdxlLatentToRgb,
  vaeFactor,
  ConfigError,
  type LatentModelConfig,
} from '@pleinair/diffusion';
import { readTextEncoderConfig, type TextEncoderConfig } from '@pleinair/text';

type Json = Readonly<Record<string, unknown>>;

/** The parsed JSON files of a model folder in diffusers layout. */
export interface SdxlFiles {
  readonly modelIndex: Json;
  /** Absent of the refiner, which has the second only. */
  readonly textEncoder?: Json;
  readonly textEncoder2: Json;
  readonly unet: Json;
  readonly vae: Json;
  readonly scheduler: Json;
  /** `pleinair.json`, where the model's makers left defaults for this library. */
  readonly defaults?: Json;
}

/** An SDXL model's architecture and defaults, read and checked; no weights. */
export interface SdxlConfig extends LatentModelConfig {
  /** Absent of the refiner, which has the second only. */
  readonly textEncoder?: TextEncoderConfig;
  readonly textEncoder2: TextEncoderConfig;
  /** No negative prompt means zero embeddings, not the empty prompt's. */
  readonly forceZerosForEmptyPrompt: boolean;
  /** Size numbers a text is told: 6, or the refiner's 5, of which the last is how good the picture is to look. */
  readonly sizeNumbers: 5 | 6;
}

/** Values of `_class_name` in the `model_index.json` of the models this package runs. */
export const pipelineClasses: readonly string[] = [
  'StableDiffusionXLPipeline',
  'StableDiffusionXLImg2ImgPipeline',
  'StableDiffusionXLInpaintPipeline',
];

/**
 * Checks that a `model_index.json` names an architecture this package runs.
 *
 * @throws `ConfigError` `config/unknown-architecture`, with the list.
 */
export function checkArchitecture(modelIndex: Json): void {
  const className = modelIndex['_class_name'];
  if (typeof className === 'string' && pipelineClasses.includes(className)) return;
  throw new ConfigError(
    'config/unknown-architecture',
    `model_index.json: expected "_class_name" to be one of ${pipelineClasses.join(', ')}, got ${JSON.stringify(className)}. ` +
      'SDXL models, their refiner and inpainting models are of these.',
  );
}

/** Reads and cross-checks the configs of an SDXL model. Throws `ConfigError` for any other architecture. */
export function readSdxlConfig(files: SdxlFiles): SdxlConfig {
  checkArchitecture(files.modelIndex);
  const textEncoder = files.textEncoder && readTextEncoderConfig(files.textEncoder, 'text_encoder/config.json');
  const textEncoder2 = readTextEncoderConfig(files.textEncoder2, 'text_encoder_2/config.json');
  const unet = readUNetConfig(files.unet);
  const vae = readVaeConfig(files.vae);
  const widths = [textEncoder, textEncoder2].flatMap((encoder) => (encoder ? [encoder.hiddenSize] : []));
  const context = widths.reduce((sum, width) => sum + width, 0);
  if (unet.crossAttentionDim !== context) {
    throw new ConfigError(
      'config/mismatch',
      `unet/config.json: expected "cross_attention_dim" to be the text encoders' widths together ` +
        `(${widths.join(' + ')} = ${context}), got ${unet.crossAttentionDim}. ` +
        'The parts come from different models.',
    );
  }
  if (!unet.textTime || textEncoder2.projectionDim === undefined) {
    throw new ConfigError(
      'config/mismatch',
      'unet/config.json: expected SDXL\'s "addition_embed_type": "text_time" and a projecting text_encoder_2, got neither. ' +
        'This folder is not an SDXL model.',
    );
  }
  const { inputDim, timeEmbedDim } = unet.textTime;
  const sizeNumbers = (inputDim - textEncoder2.projectionDim) / timeEmbedDim;
  if (sizeNumbers !== 5 && sizeNumbers !== 6) {
    throw new ConfigError(
      'config/mismatch',
      `unet/config.json: expected "projection_class_embeddings_input_dim" to leave room for 6 size numbers of ` +
        `${timeEmbedDim} beside pooled text of ${textEncoder2.projectionDim}, or for the refiner's 5, got ${inputDim}. ` +
        'The parts come from different models.',
    );
  }
  const pixels = (unet.sampleSize ?? 128) * vaeFactor(vae);
  return {
    textEncoder,
    textEncoder2,
    unet,
    vae,
    scheduler: files.scheduler,
    sizeNumbers,
    forceZerosForEmptyPrompt: files.modelIndex['force_zeros_for_empty_prompt'] !== false,
    latentToRgb: readLatentToRgb(files.defaults?.['latent_to_rgb'], 'pleinair.json') ?? sdxlLatentToRgb,
    name: typeof files.defaults?.['name'] === 'string' ? files.defaults['name'] : undefined,
    defaults: { width: pixels, height: pixels, steps: 30, guidance: 5, ...readDefaults(files.defaults) },
  };
}
