import {
  ConfigError,
  readDefaults,
  readLatentToRgb,
  readUNetConfig,
  readVaeConfig,
  sd1LatentToRgb,
  vaeFactor,
  type LatentModelConfig,
} from '@pleinair/diffusion';
import { readTextEncoderConfig, type TextEncoderConfig } from '@pleinair/text';

type Json = Readonly<Record<string, unknown>>;

/** The parsed JSON files of a model folder in diffusers layout. */
export interface SdFiles {
  readonly modelIndex: Json;
  readonly textEncoder: Json;
  readonly unet: Json;
  readonly vae: Json;
  readonly scheduler: Json;
  /** `pleinair.json`, where the model's makers left defaults for this library. */
  readonly defaults?: Json;
}

/** The architecture of a Stable Diffusion 1.x or 2.x model and its defaults, read and checked; no weights. */
export interface SdConfig extends LatentModelConfig {
  readonly textEncoder: TextEncoderConfig;
}

/** Distilled to few steps, and told the scale that others are guided with. */
const consistencyClasses = ['LatentConsistencyModelPipeline', 'LatentConsistencyModelImg2ImgPipeline'] as const;

/** Values of `_class_name` in the `model_index.json` of the models this package runs. */
export const pipelineClasses: readonly string[] = [
  'StableDiffusionPipeline',
  'StableDiffusionImg2ImgPipeline',
  'StableDiffusionInpaintPipeline',
  ...consistencyClasses,
];

/**
 * Checks that a `model_index.json` names an architecture this package knows.
 *
 * @throws `ConfigError` `config/unknown-architecture`, with the list.
 */
export function checkArchitecture(modelIndex: Json): void {
  const className = modelIndex['_class_name'];
  if (typeof className === 'string' && pipelineClasses.includes(className)) return;
  throw new ConfigError(
    'config/unknown-architecture',
    `model_index.json: expected "_class_name" to be ${pipelineClasses.join(' or ')}, got ${JSON.stringify(className)}. ` +
      'SDXL models are for @pleinair/sdxl.',
  );
}

/**
 * Reads and cross-checks the configs of a Stable Diffusion 1.x model.
 *
 * @throws `ConfigError` `config/unknown-architecture` for any other pipeline; `config/mismatch` where parts come from
 *   different models; `config/unsupported` naming the field it cannot follow.
 */
export function readSdConfig(files: SdFiles): SdConfig {
  checkArchitecture(files.modelIndex);
  const textEncoder = readTextEncoderConfig(files.textEncoder, 'text_encoder/config.json');
  const unet = readUNetConfig(files.unet);
  // This VAE does not overflow half floats; diffusers' pipeline does not look at the field either.
  const vae = readVaeConfig({ ...files.vae, force_upcast: false });
  if (unet.crossAttentionDim !== textEncoder.hiddenSize) {
    throw new ConfigError(
      'config/mismatch',
      `unet/config.json: expected "cross_attention_dim" to be the text encoder's width ${textEncoder.hiddenSize}, ` +
        `got ${unet.crossAttentionDim}. The parts come from different models.`,
    );
  }
  if (unet.textTime) {
    throw new ConfigError(
      'config/mismatch',
      'unet/config.json: expected no "addition_embed_type", got "text_time", which is SDXL\'s. ' +
        'The parts come from different models.',
    );
  }
  const { _class_name: className } = files.modelIndex;
  const usual = consistencyClasses.some((name) => name === className)
    ? { steps: 4, guidance: 8.5 }
    : { steps: 50, guidance: 7.5 };
  const pixels = (unet.sampleSize ?? 64) * vaeFactor(vae);
  return {
    textEncoder,
    unet,
    vae,
    scheduler: files.scheduler,
    latentToRgb: readLatentToRgb(files.defaults?.['latent_to_rgb'], 'pleinair.json') ?? sd1LatentToRgb,
    name: typeof files.defaults?.['name'] === 'string' ? files.defaults['name'] : undefined,
    defaults: { width: pixels, height: pixels, ...usual, ...readDefaults(files.defaults) },
  };
}
