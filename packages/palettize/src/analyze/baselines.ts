import type { LinearForm } from './engine.js';
import type { Evaluations } from './evaluations.js';
import { mean } from './mean.js';

/** The published `original` is run-to-run noise of its GPU at 82.2 dB; an engine that repeats itself is held to this. */
const mostOriginal = 82;

/** Evaluations that {@link measureBaselines} makes. */
export const baselineEvaluations = 3;

/** What recipes are held against: PSNR in dB, averaged over prompts. */
export interface Baselines extends Record<string, number> {
  /** The original weights, f16 against f32, at most 82 dB. */
  readonly original: number;
  /** Linear int8 throughout, as published. */
  readonly linear_8bit: number;
  /** With a scale for each output channel; not in the published analysis. */
  readonly linear_8bit_per_channel: number;
}

/**
 * Measures the baselines of an analysis.
 *
 * @param linear8Layers - Layers that linear int8 is tried on.
 * @throws As `Evaluations.evaluate`.
 */
export async function measureBaselines(run: Evaluations, linear8Layers: readonly string[]): Promise<Baselines> {
  const original = mean((await run.original()).map((psnr) => Math.min(psnr, mostOriginal)));
  const linear = async (form: LinearForm, key: string): Promise<number> =>
    mean(await run.evaluate(key, new Map(linear8Layers.map((layer) => [layer, form]))));
  return {
    original,
    linear_8bit: await linear('linear8', 'linear_8bit'),
    linear_8bit_per_channel: await linear('linear8-per-channel', 'linear_8bit_per_channel'),
  };
}
