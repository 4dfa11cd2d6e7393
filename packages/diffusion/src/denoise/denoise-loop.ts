import type { NoiseSource, SamplingPlan } from '@pleinair/schedulers';
import { ShapeError, type Program } from '@pleinair/tensor';
import { concat } from './concat.js';
import {
  guidanceHalves,
  PROMPT_SEGMENT,
  SCHEDULE_SEGMENT,
  STEP_SEGMENT,
  type DenoiserShape,
  type GuidanceShape,
} from './denoiser-graph.js';
import { toChannelsFirst, toChannelsLast } from './latent-layout.js';

/** What denoising needs beside the program. */
export interface DenoiseRun {
  readonly plan: SamplingPlan;
  /** One stream a picture: pictures made side by side come out as if made alone. */
  readonly noise: readonly NoiseSource[];
  readonly guidance: number;
  readonly latent: { readonly width: number; readonly height: number; readonly channels: number };
  readonly signal?: AbortSignal;
  /** After each evaluation; a promise it gives is awaited before the next one begins. */
  readonly onStep?: (step: number, timestep: number) => unknown;
}

/**
 * The denoising loop, after {@link preparePrompt} and {@link prepareSchedule}: draw noise, then for each evaluation write a handful of numbers and run the step. Nothing is read
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
  const { batch } = guidanceHalves(shape)[0]!;
  for (const [i, evaluation] of plan.evaluations.entries()) {
    program.write('step', Float32Array.from([evaluation.inputScale, run.guidance, ...evaluation.coefficients.flat()]));
    program.write('evaluation', new Uint32Array(batch).fill(i));
    if (evaluation.drawsNoise) program.write('noise', draw());
    await program.run(STEP_SEGMENT, { signal });
    await run.onStep?.(i + 1, evaluation.timestep);
  }
  const final = (await program.read('planes')) as Float32Array;
  return noise.map((_, i) => toChannelsFirst(final.subarray(i * count, (i + 1) * count), latent.channels));
}

/** Runs what is computed once a prompt. */
export async function preparePrompt(program: Program, signal: AbortSignal | undefined): Promise<void> {
  await program.run(PROMPT_SEGMENT, { signal });
}

/**
 * Runs what is computed once a schedule, after the prompt: the time embeddings of all evaluations.
 *
 * @throws ShapeError `shape/mismatch` where the program was compiled for fewer evaluations.
 */
export async function prepareSchedule(
  program: Program,
  shape: GuidanceShape & Pick<DenoiserShape, 'evaluations'>,
  plan: SamplingPlan,
  signal?: AbortSignal,
): Promise<void> {
  const { evaluations } = plan;
  if (evaluations.length > shape.evaluations) {
    throw new ShapeError(
      'shape/mismatch',
      `prepareSchedule: expected at most ${shape.evaluations} evaluations, got ${evaluations.length}. ` +
        'Compile the denoiser for as many.',
    );
  }
  const { batch } = guidanceHalves(shape)[0]!;
  // Rows beyond the schedule are not read by its steps; who looks at layers' inputs finds nothing in them that it lacks.
  const timestepOf = (i: number): number => (evaluations[i] ?? evaluations.at(-1))?.timestep ?? 0;
  const timesteps = Float32Array.from({ length: shape.evaluations }, (_, i) => timestepOf(i));
  program.write('timesteps', concat(Array.from({ length: batch }, () => timesteps)));
  await program.run(SCHEDULE_SEGMENT, { signal });
}
