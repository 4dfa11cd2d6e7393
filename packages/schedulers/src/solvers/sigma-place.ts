import type { Row } from '../linear-map.js';
import type { PredictionType } from '../plan.js';
import { denoisedFromSigma } from '../schedule/prediction.js';
import type { About } from './evaluation.js';

/** What holds where a model is evaluated, when latents are x0 + σ·ε. */
export interface SigmaPlace {
  /** x̂0, as multiples of the latents and the output. */
  readonly x0: Row;
  /** The slope (x − x̂0) / σ of the probability-flow ODE: the ε the model sees. */
  readonly slope: Row;
  readonly about: About;
}

/** Describes an evaluation at σ, the model seeing x / √(σ² + 1). */
export function sigmaPlace(prediction: PredictionType, step: number, timestep: number, sigma: number): SigmaPlace {
  const x0 = denoisedFromSigma(prediction, sigma);
  // epsilon: the output itself, without the detour over x̂0.
  const slope = prediction === 'epsilon' ? { x: 0, m: 1 } : { x: (1 - x0.x) / sigma, m: -x0.m / sigma };
  return {
    x0,
    slope,
    about: {
      step,
      timestep,
      inputScale: 1 / Math.sqrt(sigma * sigma + 1),
      sigma,
      denoised: { sample: x0.x, output: x0.m },
      noising: { signal: 1, noise: sigma },
    },
  };
}

/** σ to step to and deviation of noise to add, so that variances sum to `to`²: DDPM's split, as k-diffusion's ancestral steps. */
export function ancestralSplit(from: number, to: number): { readonly down: number; readonly up: number } {
  const up = Math.min(to, Math.sqrt((to * to * (from * from - to * to)) / (from * from)));
  return { down: Math.sqrt(to * to - up * up), up };
}
