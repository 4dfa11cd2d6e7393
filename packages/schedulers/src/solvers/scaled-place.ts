import type { ConfigReader } from '../config.js';
import { combine, type Row } from '../linear-map.js';
import type { PredictionType } from '../plan.js';
import { denoisedFromScaled } from '../schedule/prediction.js';
import type { About } from './evaluation.js';

/** Signal and noise of variance-preserving latents at σ. */
export function splitVariance(sigma: number): { signal: number; noise: number } {
  const signal = 1 / Math.sqrt(sigma * sigma + 1);
  return { signal, noise: sigma * signal };
}

/** x̂0 of variance-preserving latents at σ. */
export function x0Row(prediction: PredictionType, sigma: number): Row {
  const { signal, noise } = splitVariance(sigma);
  return denoisedFromScaled(prediction, signal, noise);
}

/** ε̂ of variance-preserving latents at σ; the output itself where the model predicts it. */
export function epsilonRow(prediction: PredictionType, sigma: number): Row {
  if (prediction === 'epsilon') return { m: 1 };
  const { signal, noise } = splitVariance(sigma);
  return combine([1 / noise, { x: 1 }], [-signal / noise, denoisedFromScaled(prediction, signal, noise)]);
}

/** All of an evaluation at σ but its update, when the model sees the latents as they are. */
export function aboutScaled(prediction: PredictionType, step: number, timestep: number, sigma: number): About {
  const { signal, noise } = splitVariance(sigma);
  const x0 = denoisedFromScaled(prediction, signal, noise);
  return {
    step,
    timestep,
    inputScale: 1,
    sigma,
    denoised: { sample: x0.x, output: x0.m },
    noising: { signal, noise },
  };
}

/** Refuses what is for pixels or for flow matching. */
export function refusePixelOptions(reader: ConfigReader): void {
  reader.refuse(
    'thresholding',
    (value) => value === false,
    'Latent models are used without it: override it with false.',
  );
  for (const key of ['use_flow_sigmas', 'use_dynamic_shifting']) {
    reader.refuse(key, (value) => value === false, 'It belongs to flow-matching models, which are not run here.');
  }
}
