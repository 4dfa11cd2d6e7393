import type { NoiseSource, SamplingPlan } from '@pleinair/schedulers';
import type { Program } from '@pleinair/tensor';
import { concat } from './concat.js';
import { guidanceHalves, PROMPT_SEGMENT, STEP_SEGMENT, type GuidanceShape } from './denoiser-graph.js';
import { toChannelsFirst, toChannelsLast } from './latent-layout.js';

/** What denoising needs beside the program. */
export interface DenoiseRun {
  readonly plan: SamplingPlan;
  /** One stream a picture: pictures made side by side come out as if made alone. */
  readonly noise: readonly NoiseSource[];
  readonly guidance: number;
  readonly latent: { readonly width: number; readonly height: number; readonly channels: number };
  readonly signal?: AbortSignal;
  readonly onStep?: (step: number, timestep: number) => void;
}

/**
 * The denoising loop: draw noise, then for each evaluation write a handful of numbers and run the step. Nothing is read
 * back until the end.
 *
 * @returns Final latents of every picture, still scaled, f32 `[channels, h, w]`.
 */
export async function denoise(
  program: Program,
  shape: GuidanceShape,
  run: DenoiseRun,
): Promise<Float32Array<ArrayBuffer>[]> {
  const { plan, noise, latent, signal } = run;
  const count = latent.channels * latent.width * latent.height;
  const draw = (): Float32Array<ArrayBuffer> =>
    concat(noise.map((source) => toChannelsLast(source.normal(count), latent.channels)));
  const start = draw(); // [pictures, h, w, c]
  const planes = new Float32Array((1 + plan.slots) * start.length);
  planes.set(start.map((value) => value * plan.initNoiseSigma));
  program.write('planes', planes);
  const halves = guidanceHalves(shape);
  for (const [i, evaluation] of plan.evaluations.entries()) {
    program.write('step', Float32Array.from([evaluation.inputScale, run.guidance, ...evaluation.coefficients.flat()]));
    for (const { suffix, batch } of halves) {
      program.write(`timestep${suffix}`, new Float32Array(batch).fill(evaluation.timestep));
    }
    if (evaluation.drawsNoise) program.write('noise', draw());
    await program.run(STEP_SEGMENT, { signal });
    run.onStep?.(i + 1, evaluation.timestep);
  }
  const final = (await program.read('planes')) as Float32Array;
  return noise.map((_, i) => toChannelsFirst(final.subarray(i * count, (i + 1) * count), latent.channels));
}

/** Runs what is computed once a prompt. */
export async function preparePrompt(program: Program, signal: AbortSignal | undefined): Promise<void> {
  await program.run(PROMPT_SEGMENT, { signal });
}
