import type { PredictionType } from '../plan.js';

/** A clean-sample estimate as multiples of the sample and the model output: `x̂0 = x·sample + m·output`. */
export interface Denoised {
  readonly x: number;
  readonly m: number;
}

/**
 * x̂0 when the sample is `signal·x0 + noise·ε` (variance preserving: signal² + noise² = 1). Sources: DDIM eq. 12
 * (arXiv 2010.02502) and progressive distillation, appendix D (arXiv 2202.00512).
 */
export function denoisedFromScaled(prediction: PredictionType, signal: number, noise: number): Denoised {
  switch (prediction) {
    case 'epsilon':
      return { x: 1 / signal, m: -noise / signal };
    case 'sample':
      return { x: 0, m: 1 };
    case 'v_prediction':
      return { x: signal, m: -noise };
  }
}

/** x̂0 when the sample is `x0 + σ·ε` (variance exploding), the model seeing it divided by √(σ² + 1). */
export function denoisedFromSigma(prediction: PredictionType, sigma: number): Denoised {
  switch (prediction) {
    case 'epsilon':
      return { x: 1, m: -sigma };
    case 'sample':
      return { x: 0, m: 1 };
    case 'v_prediction':
      return { x: 1 / (sigma * sigma + 1), m: -sigma / Math.sqrt(sigma * sigma + 1) };
  }
}
