import type { TuneMode, TuningProgress } from '@pleinair/kernels';
import type { NoiseKind } from '@pleinair/schedulers';
import type { Prompt } from '@pleinair/text';
import type { Preview } from '../denoise/preview.js';
import type { RgbaImage } from '../image/rgba-image.js';
import type { Timings } from '../parts/clock.js';
import type { MemoryMode } from '../parts/memory-policy.js';
import type { PartProgress } from '../parts/part.js';
import type { RunState } from './run-state.js';
import type { PictureWarning } from './warnings.js';

/** Numbers beside the text that SDXL is told of a picture; sizes in pixels. */
export interface MicroConditioning {
  /** The size the picture is said to have had before it was made fit. @defaultValue the picture's own */
  readonly originalSize?: readonly [height: number, width: number];
  /** The corner it is said to be cropped at. @defaultValue none cut off */
  readonly cropTopLeft?: readonly [top: number, left: number];
  /** @defaultValue the picture's own */
  readonly targetSize?: readonly [height: number, width: number];
  /** For the unconditional half of guidance. @defaultValue as the conditional one's */
  readonly negativeOriginalSize?: readonly [height: number, width: number];
  readonly negativeCropTopLeft?: readonly [top: number, left: number];
  readonly negativeTargetSize?: readonly [height: number, width: number];
  /** How good the picture is to look, for the refiner. @defaultValue 6 */
  readonly aestheticScore?: number;
  /** @defaultValue 2.5 */
  readonly negativeAestheticScore?: number;
}

/** What to make of a picture that is there. */
export interface ImageRequest {
  /** The picture to begin with; resized where it has another size. */
  readonly image?: RgbaImage;
  /**
   * How much of the schedule is run over `image`: 0 nearly nothing changes, 1 everything may.
   * @defaultValue 0.8 with an image, 1 with a mask, 0.3 of a refiner
   */
  readonly strength?: number;
  /** Where to make anew: white there, black where `image` is kept. */
  readonly mask?: RgbaImage;
  /** Softens the mask's edges by a Gaussian of this radius, pixels of the mask. @defaultValue 0 */
  readonly maskBlur?: number;
  /**
   * Works on the masked part only, at the full size asked for, with at least so many pixels of `image` around it; the
   * result is put back into `image`.
   */
  readonly paddingMaskCrop?: number;
  /**
   * Puts the original's own pixels back outside the mask, which the VAE would else change a little.
   * @defaultValue true with `paddingMaskCrop`
   */
  readonly pasteBack?: boolean;
  /** Takes the encoded picture's mean, or draws of its distribution by the seed. @defaultValue 'sample' */
  readonly posterior?: 'sample' | 'mode';
  /** Latents to begin with instead of `image`, a picture each, scaled, f32 `[channels, h, w]`. */
  readonly latents?: readonly Float32Array[];
  /** Runs the schedule from this share on, over `latents` that an earlier part of it has left. 0…1 */
  readonly denoisingStart?: number;
}

/** What to make. Only `prompt` is needed; the model's own defaults stand for the rest. */
export interface PictureRequest extends ImageRequest {
  /**
   * A sentence in which `(word:1.3)`, `((word))` and `[word]` weigh words, `BREAK` begins a new chunk and names of embeddings
   * stand for their vectors (see `promptSyntax`); or pieces.
   */
  readonly prompt: Prompt;
  /** What the second text encoder reads, where there are two. @defaultValue as `prompt` */
  readonly prompt2?: Prompt;
  /** Absent: zero embeddings where the model was trained so; `''` is encoded as a prompt. */
  readonly negativePrompt?: Prompt;
  /** @defaultValue as `negativePrompt` */
  readonly negativePrompt2?: Prompt;
  /** `plain`: brackets and everything else in prompts that are sentences are text. @defaultValue 'weighted' */
  readonly promptSyntax?: 'weighted' | 'plain';
  /** Last layers of the text encoders to leave out for the prompt, beyond those the model leaves out. @defaultValue 0 */
  readonly clipSkip?: number;
  /** Pixels; multiples of 8. @defaultValue the image's own, if there is one, else the model's */
  readonly width?: number;
  readonly height?: number;
  readonly steps?: number;
  /** Classifier-free guidance scale; at 1 or below there is none, and a step costs half. */
  readonly guidance?: number;
  /** How much of guidance's spread is brought back to the unguided prediction's, against burnt pictures; 0…1. @defaultValue 0 */
  readonly guidanceRescale?: number;
  /** Stops at this share of the schedule, for another model to go on from; 0…1. Use it with `output: 'latent'`. */
  readonly denoisingEnd?: number;
  /** A short name (`euler`, `dpmpp-2m-karras`, …), AUTOMATIC1111's ("DPM++ 2M Karras") or a diffusers class name. */
  readonly scheduler?: string;
  /** First seed; random when absent. */
  readonly seed?: number;
  /** Whose generator the seed means. @defaultValue 'torch' */
  readonly rng?: NoiseKind;
  /** Pictures to make, with seeds `seed`, `seed + 1`, …, each as a run of its own would give. @defaultValue 1 */
  readonly count?: number;
  readonly conditioning?: MicroConditioning;
  /** How random steps are, 0…1: DDIM's η, TCD's γ. @defaultValue 0 for DDIM, 0.3 for TCD */
  readonly eta?: number;
  /** The timesteps themselves, noisiest first; there are as many steps. */
  readonly timesteps?: readonly number[];
  /**
   * The noise levels themselves, falling, one more than there are steps (the last is where the last step ends, usually 0); or
   * the published levels of "Align Your Steps" for `steps`.
   */
  readonly sigmas?: readonly number[] | 'align-your-steps';
  /** Both guidance halves at once, or in turn in half the memory. @defaultValue 'together' */
  readonly guidanceHalves?: 'together' | 'in-turn';
  /** `latent` skips the decoder. @defaultValue 'image' */
  readonly output?: 'image' | 'latent';
  /** Cancels within one slice of GPU work. */
  readonly signal?: AbortSignal;
  /** After every finished step; a promise it gives is awaited. */
  readonly onStep?: (step: StepReport) => unknown;
  /**
   * Shows steps as they finish, in `onStep`: the clean picture as the model sees it by then. `quick`: a pixel for each
   * latent pixel, by a linear map, at next to no cost. `full`: decoded, at a decode's cost; the decoder is then on the GPU
   * beside the UNet. @defaultValue 'off'
   */
  readonly preview?: 'off' | 'quick' | 'full';
  /** Show every so many steps, and the last. @defaultValue 1 */
  readonly previewEvery?: number;
  /**
   * Reads back after every step where the run stands, for `onStep`: what `resume` goes on from, should the device be lost.
   * @defaultValue false
   */
  readonly keepState?: boolean;
  /**
   * Goes on from such a state, given the rest of the request again: the result is that of the run uninterrupted, all its
   * pictures, and only the steps that were missing are made. An absent `seed` is the state's.
   */
  readonly resume?: RunState;
  /** Each picture as soon as it is decoded, and how it was made; a promise it gives is awaited. */
  readonly onImage?: (picture: Picture, made: RunSettings) => unknown;
  /** Loading of parts, when it happens during the run. */
  readonly onProgress?: (progress: PartProgress) => void;
}

/** A size of pictures from a prompt; what is left out is as the model has it. */
export interface ShapeRequest {
  /** Pixels; multiples of 8. */
  readonly width?: number;
  readonly height?: number;
  readonly steps?: number;
  readonly guidance?: number;
  readonly guidanceHalves?: 'together' | 'in-turn';
}

/** What {@link LatentPipeline.profile} is asked. */
export interface ProfileRequest extends ShapeRequest {
  /** Names of the parts to profile. @defaultValue the denoiser */
  readonly parts?: readonly string[];
  readonly signal?: AbortSignal;
  /** Loading of parts, and tuning. */
  readonly onProgress?: (progress: PartProgress) => void;
}

/** What to tune for. What is absent stands at the model's own default, as in {@link PictureRequest}. */
export interface TuneRequest extends ShapeRequest {
  /** @defaultValue 'full' */
  readonly mode?: TuneMode;
  /** Time again what is known. */
  readonly again?: boolean;
  /** Cancels; what was found is kept. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TuningProgress) => void;
}

/** A finished step. */
export interface StepReport {
  /** Which picture, from 0. */
  readonly picture: number;
  /** Finished evaluations of the model for this picture, from 1. */
  readonly step: number;
  readonly steps: number;
  readonly timestep: number;
  /** Since the first step began, this picture. */
  readonly stepsPerSecond: number;
  /** Where one was asked for and is due. */
  readonly preview?: Preview;
  /** Where the run stands, with `keepState`. */
  readonly state?: RunState;
}

/** One result. */
export interface Picture {
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  /** RGBA8, `4 · width · height` bytes; empty for `output: 'latent'`. */
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
  /** Final latents, still scaled, f32 `[4, height/8, width/8]`. */
  readonly latents: Float32Array<ArrayBuffer>;
}

/** Compiled kernels. */
export interface PipelineReport {
  /** Distinct ones that the run's parts use. */
  readonly used: number;
  /** Built during the run, also to be timed by a tuner; a later run of the same shape builds none. */
  readonly compiled: number;
}

/** GPU bytes. */
export interface MemoryReport {
  /** Weights on the GPU at their peak. */
  readonly weightsBytes: number;
  readonly intermediatesBytes: number;
  readonly persistentBytes: number;
  /** All of these at their common peak, as the plan counts them; the small buffers that carry data to the host are apart. */
  readonly peakBytes: number;
  /** How memory was used. */
  readonly mode: MemoryMode;
}

/** What pictures of a run were made with, defaults filled in. */
export interface RunSettings {
  /** Of the first picture. */
  readonly seed: number;
  readonly steps: number;
  readonly guidance: number;
  /** As asked for, or the model's own diffusers class. */
  readonly scheduler: string;
  readonly rng: NoiseKind;
  readonly width: number;
  readonly height: number;
  /** Of runs over a picture. */
  readonly strength?: number;
  /** Where it is not 0. */
  readonly clipSkip?: number;
  /** Where it is not 0. */
  readonly guidanceRescale?: number;
}

/** Pictures and how they came about. */
export interface PictureResult extends RunSettings {
  readonly images: readonly Picture[];
  readonly timings: Timings;
  /** Steps per second over all denoising. */
  readonly stepsPerSecond: number;
  readonly pipelines: PipelineReport;
  readonly memory: MemoryReport;
  /** Things the user should know, e.g. that a long prompt went on in a second chunk; the warnings among them. */
  readonly notes: readonly string[];
  /** What is wrong with pictures: numbers that overflowed. */
  readonly warnings: readonly PictureWarning[];
}
