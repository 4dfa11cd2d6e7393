import { ShapeError } from '@pleinair/tensor';
import { vaeFactor, type VaeConfig } from '../vae/config.js';

/** All that the graphs' shapes depend on. */
export interface PipelineShape {
  /** Picture size in pixels. */
  readonly width: number;
  readonly height: number;
  /** Pictures denoised side by side. */
  readonly pictures: number;
  /** Guidance scale above 1: the UNet's batch is twice the pictures. */
  readonly guided: boolean;
  readonly halves: 'together' | 'in-turn';
  /** Prompt chunks of 77 tokens. */
  readonly chunks: number;
  readonly precision: 'f16' | 'f32';
  /** What the solver keeps: planes beside the latents, and whether it draws noise. */
  readonly solver: { readonly slots: number; readonly drawsNoise: boolean };
}

/**
 * Checks a picture size against the model and returns the latent size.
 *
 * @throws ShapeError `shape/size`, with the nearest size that would do.
 */
export function latentSize(config: VaeConfig, width: number, height: number): { width: number; height: number } {
  const factor = vaeFactor(config);
  for (const [name, value] of [
    ['width', width],
    ['height', height],
  ] as const) {
    if (!Number.isInteger(value) || value <= 0 || value % factor !== 0) {
      const near = Math.max(factor, Math.round(value / factor) * factor) || factor;
      throw new ShapeError(
        'shape/size',
        `generate: expected ${name} to be a positive multiple of ${factor} pixels, got ${value}. Try ${near}.`,
      );
    }
  }
  return { width: width / factor, height: height / factor };
}
