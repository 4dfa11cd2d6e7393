import type { NoiseSource, SamplingPlan } from '@pleinair/schedulers';
import type { KeptLatents } from '../denoise/denoise-loop.js';
import { toChannelsLast } from '../denoise/latent-layout.js';
import type { Posterior } from './encode-image.js';
import type { ImageJob } from './image-job.js';

/** What denoising one picture begins with when there is a picture already; all f32 `[h, w, c]`. */
export interface PictureBeginning {
  /** At the level of the first evaluation. */
  readonly latents: Float32Array;
  /** For UNets that take no mask. */
  readonly kept?: KeptLatents;
  /** For those that do: mask, then the masked picture's latents, `[h, w, 1 + c]`. */
  readonly extra?: Float32Array;
}

/** What the VAE said of a job's pictures. */
export interface EncodedImages {
  readonly picture?: Posterior;
  readonly masked?: Posterior;
}

/**
 * Takes one picture's beginning from a job, drawing from its noise in diffusers' order: the encoded picture's latents, the
 * noise laid over them, the masked picture's latents.
 *
 * @param picture - Its number.
 */
export function beginPicture(
  job: ImageJob,
  encoded: EncodedImages,
  noise: NoiseSource,
  plan: SamplingPlan,
  scalingFactor: number,
  channels: number,
  picture: number,
): PictureBeginning {
  const draw = (count: number): Float32Array => toChannelsLast(noise.normal(count), channels);
  const latentsOf = (posterior: Posterior): Float32Array => {
    const { mean, deviation } = posterior;
    const normals = job.posterior === 'sample' ? draw(mean.length) : undefined;
    return mean.map((value, i) => scalingFactor * (value + (normals ? deviation[i]! * normals[i]! : 0)));
  };
  const given = job.latents?.[picture];
  const original = given ? toChannelsLast(given, channels) : encoded.picture && latentsOf(encoded.picture);
  const size = original?.length ?? encoded.masked!.mean.length;
  // Latents that are at the first level already are not noised, and nothing is drawn for them.
  const normals = job.begins === 'as-it-is' ? undefined : draw(size);
  const masked = encoded.masked && latentsOf(encoded.masked);
  const { signal, noise: level } = plan.evaluations[0]!.noising;
  const latents =
    job.begins === 'noise'
      ? normals!.map((value) => value * plan.initNoiseSigma)
      : normals
        ? original!.map((value, i) => signal * value + level * normals[i]!)
        : original!;
  const { latentMask } = job;
  if (!latentMask) return { latents };
  if (masked) return { latents, extra: beside(latentMask, masked, channels) };
  const mask = Float32Array.from({ length: size }, (_, i) => latentMask[Math.floor(i / channels)]!);
  return { latents, kept: { original: original!, noise: normals!, mask } };
}

/** The mask as a channel before the latents'. */
function beside(mask: Float32Array, latents: Float32Array, channels: number): Float32Array {
  const out = new Float32Array(mask.length * (1 + channels));
  mask.forEach((value, pixel) => {
    out[pixel * (1 + channels)] = value;
    out.set(latents.subarray(pixel * channels, (pixel + 1) * channels), pixel * (1 + channels) + 1);
  });
  return out;
}
