import type { JsonObject } from '../model-files.js';
import type { LatentToRgb } from '../denoise/latent-to-rgb.js';
import type { PartSpec } from '../parts/part-spec.js';
import type { PartExtras, PipelineShape } from '../parts/pipeline-shape.js';
import type { UNetConfig } from '../unet/config.js';
import type { VaeConfig } from '../vae/config.js';
import type { Graph, PaletteLookup } from '@pleinair/tensor';
import type { TextEncoderConfig } from '@pleinair/text';
import type { MicroConditioning } from './request.js';

/** What a picture is made with when the caller does not say. */
export interface ModelDefaults {
  readonly width: number;
  readonly height: number;
  readonly steps: number;
  readonly guidance: number;
}

/** What every latent diffusion model's configuration holds, whatever its family. */
export interface LatentModelConfig {
  readonly unet: UNetConfig;
  readonly vae: VaeConfig;
  readonly scheduler: JsonObject;
  readonly defaults: ModelDefaults;
  /** From latents to rough colours. */
  readonly latentToRgb: LatentToRgb;
  /** What the model's makers call it, if they left word. */
  readonly name?: string;
}

/** A text encoder of a model, and what is taken of it. */
export interface TextEncoding {
  /** Name of its part. */
  readonly part: string;
  /** Folder of its tokenizer. */
  readonly tokenizer: string;
  readonly config: TextEncoderConfig;
  /** Which of a request's two prompts it reads; the second is the first where there is none. */
  readonly reads: 'first' | 'second';
  /** Gives the pooled text too. */
  readonly pooled: boolean;
}

/**
 * A family's model as the pipeline runs it: its parts, how each is recorded, and what its texts are made of. SDXL, its
 * refiner and Stable Diffusion 1.x and 2.x differ in nothing else.
 */
export interface LatentModel<Name extends string = string, Config extends LatentModelConfig = LatentModelConfig> {
  readonly config: Config;
  /** In the order in which they work; among them one `unet`, one `vae_encoder` and one `vae_decoder`. */
  readonly parts: readonly PartSpec<Name>[];
  /** Hidden states are joined over features in this order. */
  readonly texts: readonly TextEncoding[];
  /** No negative prompt means zero embeddings, not the empty prompt's. */
  readonly zerosForAbsentNegative: boolean;
  /** Only pictures that are there already can be worked on, as by SDXL's refiner. */
  readonly needsImage: boolean;
  /** Records a part for a shape. */
  record(shape: PipelineShape, part: Name, palettes?: PaletteLookup, extras?: PartExtras): Graph;
  /**
   * The size numbers a text is told, where the UNet takes any.
   *
   * @param negative - For the unconditional half.
   */
  timeIds?(
    size: { readonly width: number; readonly height: number },
    conditioning: MicroConditioning,
    negative: boolean,
  ): Float32Array;
}
