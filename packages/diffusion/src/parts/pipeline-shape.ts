import type { SamplingPlan } from '@pleinair/schedulers';
import { ShapeError, type Graph, type LowRankLookup } from '@pleinair/tensor';
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
  /** How latents are decoded: whole, or in bands of rows in bounded memory. @defaultValue 'exact' */
  readonly vae?: 'exact' | 'tiled';
  /** How pictures are encoded, where one is given. @defaultValue 'exact' */
  readonly encoder?: 'exact' | 'tiled';
  /** Planes the solver keeps beside the latents, whether it draws noise, and how often it has the model evaluated. */
  readonly solver: { readonly slots: number; readonly drawsNoise: boolean; readonly evaluations: number };
  /** The solver's last slot holds the predicted clean latents, and a rough picture of them can be made. */
  readonly preview?: boolean;
  /** Guidance is brought back to the conditional prediction's spread before the solver sees it. */
  readonly rescale?: boolean;
  /** What lies outside a mask is put back after each step: inpainting with a UNet that takes no mask. */
  readonly blend?: boolean;
  /** Last layers of the text encoders left out of the conditional texts, beyond those the model leaves out. @defaultValue 0 */
  readonly clipSkip?: number;
}

/** What a part is recorded with beside its checkpoint. */
export interface PartExtras {
  /** Side branches beside the checkpoint's tensors: LoRAs. */
  readonly lowRank?: LowRankLookup;
  /** Of a text encoder: vectors may stand in place of token embeddings (textual inversion). */
  readonly injects?: boolean;
}

/** Records a part of a pipeline for a shape. */
export type PartRecorder<Name extends string = string> = (shape: PipelineShape, part: Name) => Graph;

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

/** What of a sampling plan the graphs' shapes depend on. */
export function solverShape(plan: SamplingPlan): PipelineShape['solver'] {
  const { slots, evaluations } = plan;
  return { slots, drawsNoise: evaluations.some((e) => e.drawsNoise), evaluations: evaluations.length };
}
