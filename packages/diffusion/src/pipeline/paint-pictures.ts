import type { ProgramPlan } from '@pleinair/tensor';
import { toChannelsLast } from '../denoise/latent-layout.js';
import type { Clock } from '../parts/clock.js';
import type { PartUse } from '../parts/part.js';
import type { EncodedImages } from './begin-picture.js';
import { withDecoder, type Decode } from './decode.js';
import { denoisePictures } from './denoise-pictures.js';
import { encodeImages } from './encode-image.js';
import { encodePrompts, type EncodedPrompts } from './encode-text.js';
import type { LatentModel } from './latent-model.js';
import type { PipelineParts } from './pipeline-parts.js';
import type { PreparedRun } from './prepare.js';
import type { Picture, PictureRequest } from './request.js';
import { finalLatents } from './run-state.js';

/** What a run is painted with. */
export interface PaintMeans {
  readonly model: LatentModel;
  readonly parts: PipelineParts;
  readonly use: PartUse;
  readonly clock: Clock;
  /** The plan of a part for this run, by its name: with a tuner's choices. */
  readonly planOf: (name: string) => ProgramPlan;
}

/** What a run begins with. */
export interface Encoded {
  /** Absent where nothing is left to denoise. */
  readonly texts: EncodedPrompts | undefined;
  readonly encoded: EncodedImages;
}

/** What came of a run: latents as they are stored, channels first; pictures, without pixels where latents were asked for. */
export interface Painted {
  readonly latents: readonly Float32Array<ArrayBuffer>[];
  readonly images: readonly Picture[];
}

/** Encodes a run's prompts. */
export function encodeTexts(run: PreparedRun, { model, parts, use, planOf }: PaintMeans): Promise<EncodedPrompts> {
  return encodePrompts(model.texts, (name) => parts.named(name), planOf, run.tokenized, {
    ...use,
    adapters: parts.adapters,
  });
}

/** Encodes the pictures a run begins with, if any. */
export async function encodePictures({ job, shape }: PreparedRun, means: PaintMeans): Promise<EncodedImages> {
  const { pixels, maskedPixels } = job ?? {};
  const pictures = [pixels, maskedPixels].filter((each) => each !== undefined);
  if (pictures.length === 0) return {};
  const { model, clock, use } = means;
  const part = means.parts.only('vae-encoder');
  const posteriors = await clock.time('encodeMs', () =>
    encodeImages(part, model.config.vae, means.planOf(part.name), shape, pictures, use),
  );
  return { picture: pixels && posteriors[0], masked: maskedPixels && posteriors.at(-1) };
}

/** Denoises every picture, then decodes every picture: parts come and go once. */
export async function paintPictures(
  run: PreparedRun,
  request: PictureRequest,
  { texts, encoded }: Encoded,
  means: PaintMeans,
): Promise<Painted> {
  const { model, parts, use, clock, planOf } = means;
  const { shape, seeds, made, preview } = run;
  const { vae } = model.config;
  const { width, height } = shape;
  const denoised = async (decode?: Decode): Promise<Float32Array<ArrayBuffer>[]> =>
    clock.time('denoiseMs', async () => {
      // All that was left of the run that is resumed was to decode.
      if (!texts) return finalLatents(run.resume!, vae.latentChannels);
      const part = parts.only('denoiser');
      const plan = planOf(part.name);
      return denoisePictures({ model, part, plan, run, request, texts, encoded, use, clock, decode });
    });
  const decoded = <T>(body: (decode: Decode) => Promise<T>): Promise<T> => {
    const part = parts.only('vae-decoder');
    return withDecoder(part, vae, planOf(part.name), shape, use, body);
  };
  const finish = async (latents: readonly Float32Array<ArrayBuffer>[], decode: Decode): Promise<Picture[]> => {
    const pictures: Picture[] = [];
    for (const [i, values] of latents.entries()) {
      const decodedPixels = await decode(toChannelsLast(values, vae.latentChannels), true);
      const pixels = run.job?.finish(decodedPixels) ?? decodedPixels;
      const picture = { seed: seeds[i]!, ...pixels, latents: values };
      pictures.push(picture);
      await request.onImage?.(picture, made);
    }
    return pictures;
  };
  const undecoded = (latents: readonly Float32Array<ArrayBuffer>[]): Picture[] =>
    latents.map((values, i) => ({ seed: seeds[i]!, width, height, rgba: new Uint8ClampedArray(0), latents: values }));

  if (preview.mode === 'full') {
    return decoded(async (decode) => {
      const latents = await denoised(decode);
      if (request.output === 'latent') return { latents, images: undecoded(latents) };
      return { latents, images: await clock.time('decodeMs', () => finish(latents, decode)) };
    });
  }
  const latents = await denoised();
  if (request.output === 'latent') return { latents, images: undecoded(latents) };
  return { latents, images: await clock.time('decodeMs', () => decoded((decode) => finish(latents, decode))) };
}
