import {
  createNoiseSource,
  keepDenoised,
  schedulerFromConfig,
  type NoiseSource,
  type SamplingPlan,
} from '@pleinair/schedulers';
import { ShapeError } from '@pleinair/tensor';
import type { ClipTokenizer } from '@pleinair/text';
import type { PipelineAdapters } from '../adapters/pipeline-adapters.js';
import { latentSize, solverShape, type PipelineShape } from '../parts/pipeline-shape.js';
import { imageJob, pictureSize, strengthOf, type ImageJob } from './image-job.js';
import { tokenizePrompts, type TokenizedPrompts } from './encode-text.js';
import type { LatentModel } from './latent-model.js';
import { previewWish, type PreviewWish } from './previews.js';
import type { PictureRequest, RunSettings, TuneRequest } from './request.js';
import { checkResume, type RunState } from './run-state.js';
import { samplingOf } from './sampling.js';

/** What is known of a run before the GPU does anything. */
export interface PreparedRun {
  /** How pictures are decoded is settled later, with the adapter in view. */
  readonly shape: PipelineShape;
  readonly latent: { readonly width: number; readonly height: number; readonly channels: number };
  /** What runs: the schedule, and what previews keep. */
  readonly plan: SamplingPlan;
  readonly schedule: SamplingPlan;
  readonly seeds: readonly number[];
  /** One stream a picture. */
  readonly noise: readonly NoiseSource[];
  readonly tokenized: TokenizedPrompts;
  readonly preview: PreviewWish;
  /** What is done with a picture that is there already. */
  readonly job?: ImageJob;
  /** Where to go on from; it fits. */
  readonly resume?: RunState;
  /** Whether the decoder is needed. */
  readonly decodes: boolean;
  readonly made: RunSettings;
  readonly notes: readonly string[];
}

/**
 * Works out everything that can be known before the GPU does anything, so that a wrong request fails at once: sizes, schedule,
 * seeds, tokens.
 *
 * @throws ShapeError `shape/…`; `SchedulerError`; `TokenizerError`.
 */
export function prepare(
  model: LatentModel,
  tokenizers: readonly ClipTokenizer[],
  precision: 'f16' | 'f32',
  request: PictureRequest,
  adapters?: Pick<PipelineAdapters, 'embeddings'>,
): PreparedRun {
  const { config } = model;
  const { defaults, vae, unet } = config;
  const { width, height } = pictureSize(model, request);
  const { guidance = defaults.guidance, count = 1, rng = 'torch', clipSkip = 0, guidanceRescale = 0 } = request;
  if (!Number.isInteger(count) || count < 1) {
    throw new ShapeError('shape/count', `generate: expected a count of at least 1, got ${count}. Ask for one picture.`);
  }
  const fewest = Math.min(...model.texts.map((text) => text.config.layers - (text.pooled ? 1 : 0)));
  const skips = Number.isInteger(clipSkip) && clipSkip >= 0 && clipSkip < fewest;
  expect('clipSkip', `a whole number from 0 to ${fewest - 1}`, clipSkip, skips);
  expect('guidanceRescale', 'a number from 0 to 1', guidanceRescale, guidanceRescale >= 0 && guidanceRescale <= 1);
  const latent = { ...latentSize(vae, width, height), channels: vae.latentChannels };
  const job = imageJob(model, request, { width, height }, count);
  const strength = strengthOf(model, request);
  const preview = previewWish(request);
  const schedule = samplingOf(model, request, strength);
  const { steps } = schedule;
  const plan = preview.mode === 'off' ? schedule : keepDenoised(schedule);
  const { resume } = request;
  const seed = request.seed ?? resume?.made.seed ?? crypto.getRandomValues(new Uint32Array(1))[0]!;
  const seeds = Array.from({ length: count }, (_, i) => seed + i);
  const guided = isGuided(unet, guidance);
  const tokenized = tokenizePrompts(model, tokenizers, request, guided, adapters?.embeddings);
  const notes = [...tokenized.notes];
  if ((request.negativePrompt ?? request.negativePrompt2) && !guided) {
    notes.push(`The negative prompt has no effect without guidance (the scale is ${guidance}); use a scale above 1.`);
  }
  const shape: PipelineShape = {
    width,
    height,
    pictures: 1,
    guided,
    halves: request.guidanceHalves ?? 'together',
    chunks: tokenized.chunks,
    precision,
    solver: solverShape(plan),
    ...(preview.mode === 'quick' && { preview: true }),
    ...(clipSkip > 0 && { clipSkip }),
    ...(guided && guidanceRescale > 0 && { rescale: true }),
    ...(job?.latentMask && !job.maskedPixels && { blend: true }),
  };
  const made: RunSettings = {
    seed,
    steps,
    guidance,
    scheduler: request.scheduler ?? plan.scheduler,
    rng,
    width,
    height,
    ...(strength !== undefined && { strength }),
    ...(clipSkip > 0 && { clipSkip }),
    ...(guidanceRescale > 0 && { guidanceRescale }),
  };
  checkResume({ latent, schedule, seeds, job, made, resume });
  return {
    shape,
    latent,
    plan,
    schedule,
    seeds,
    noise: seeds.map((each) => createNoiseSource(rng, each)),
    tokenized,
    preview,
    job,
    resume,
    decodes: request.output !== 'latent' || preview.mode === 'full',
    made,
    notes,
  };
}

/** The shape that a tuning is for: a picture from a prompt of one chunk. */
export function tunedShape({ config }: LatentModel, precision: 'f16' | 'f32', request: TuneRequest): PipelineShape {
  const { defaults, scheduler, unet } = config;
  return {
    width: request.width ?? defaults.width,
    height: request.height ?? defaults.height,
    pictures: 1,
    guided: isGuided(unet, request.guidance ?? defaults.guidance),
    halves: request.guidanceHalves ?? 'together',
    chunks: 1,
    precision,
    solver: solverShape(schedulerFromConfig(scheduler).plan(request.steps ?? defaults.steps)),
  };
}

/** Whether the UNet sees each picture twice. One that is told the scale was trained to do guidance's work itself. */
export function isGuided({ timeCondDim }: LatentModel['config']['unet'], guidance: number): boolean {
  return guidance > 1 && timeCondDim === undefined;
}

function expect(name: string, expected: string, got: unknown, holds: boolean): void {
  if (holds) return;
  throw new ShapeError('shape/option', `generate: expected ${name} to be ${expected}, got ${String(got)}. Correct it.`);
}
