import type { SamplingPlan } from '@pleinair/schedulers';
import { ShapeError, type Program } from '@pleinair/tensor';
import { predictedLatents, quickPicture, type Preview } from '../denoise/preview.js';
import type { Decode } from './decode.js';
import type { PictureRequest } from './request.js';

/** Which steps are shown, and how. */
export interface PreviewWish {
  readonly mode: 'off' | 'quick' | 'full';
  readonly every: number;
}

/** Reads what a request says of previews. Throws ShapeError `shape/preview-every`. */
export function previewWish({ preview = 'off', previewEvery = 1 }: PictureRequest): PreviewWish {
  if (!Number.isInteger(previewEvery) || previewEvery < 1) {
    throw new ShapeError(
      'shape/preview-every',
      `generate: expected previewEvery to be a whole number of at least 1, got ${previewEvery}. Use 1 for every step.`,
    );
  }
  return { mode: preview, every: previewEvery };
}

/** What previews are made of. */
export interface PreviewSource {
  readonly program: Program;
  /** The plan that runs, with the predicted clean latents in its last slot. */
  readonly plan: SamplingPlan;
  readonly latent: { readonly width: number; readonly height: number };
  /** For `full`. */
  readonly decode?: Decode;
  readonly signal?: AbortSignal;
}

/**
 * The preview of a finished step: what the model takes for the clean picture by now. Nothing, and nothing is done for it,
 * where none is due; the last step is always shown.
 */
export async function previewOf(wish: PreviewWish, source: PreviewSource, step: number): Promise<Preview | undefined> {
  const { program, plan, latent, decode, signal } = source;
  if (wish.mode === 'off' || (step % wish.every !== 0 && step !== plan.evaluations.length)) return undefined;
  return decode ? decode(await predictedLatents(program, plan.slots)) : quickPicture(program, latent, signal);
}
