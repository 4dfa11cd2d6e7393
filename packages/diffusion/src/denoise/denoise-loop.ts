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
  /** φ of rescaled guidance, where the program was recorded for it. @defaultValue 0 */
  readonly rescale?: number;
  /** @defaultValue noise */
  readonly start?: DenoiseStart;
  /** Goes on where an earlier run of the same was left; noise drawn by then is drawn again. */
  readonly resume?: DenoiseState;
  /** What is put back outside a mask, a picture each, where the program was recorded for it. */
  readonly kept?: readonly KeptLatents[];
  /** What the UNet reads beside the latents, a picture each, `[h, w, rest]`; for UNets of more input channels. */
  readonly extra?: readonly Float32Array[];
  readonly latent: { readonly width: number; readonly height: number; readonly channels: number };
  readonly signal?: AbortSignal;
  /** After each evaluation; a promise it gives is awaited before the next one begins. */
  readonly onStep?: (step: number, timestep: number) => unknown;
}

/**
 * What a run begins with. `noise`: the first draw of each picture. `latents`: a picture each, f32 `[h, w, c]`, at the level
 * of the first evaluation; nothing is drawn for them.
 */
export type DenoiseStart =
  { readonly kind: 'noise' } | { readonly kind: 'latents'; readonly latents: readonly Float32Array[] };

/** Where a run was left. */
export interface DenoiseState {
  /** The solver's planes, f32 `[1 + slots, pictures, h, w, c]`; further slots of the plan begin as zeros. */
  readonly planes: Float32Array;
  /** Evaluations done. */
  readonly evaluations: number;
}

/** Latents to keep outside a mask. */
export interface KeptLatents {
  /** Clean and scaled, f32 `[h, w, c]`. */
  readonly original: Float32Array;
  /** What takes them to a step's level. */
  readonly noise: Float32Array;
  /** `[h, w, c]`: 1 where the picture is made anew, 0 where it is kept. */
  readonly mask: Float32Array;
}

/**
 * The denoising loop, after {@link preparePrompt} and {@link prepareSchedule}: for each evaluation write a handful of
 * numbers and run the step. Nothing is read back until the end.
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
  const { planes, done } = startingState(run, draw, count * noise.length);
  program.write('planes', planes);
  const { batch } = guidanceHalves(shape)[0]!;
  if (run.kept) {
    program.write('original', concat(run.kept.map(({ original }) => original)));
    program.write('original_noise', concat(run.kept.map((each) => each.noise)));
    program.write('mask', concat(run.kept.map(({ mask }) => mask)));
  }
  if (run.extra) {
    const pictures = concat(run.extra);
    program.write('extra', concat(Array.from({ length: batch / noise.length }, () => pictures)));
  }
  for (const [i, evaluation] of plan.evaluations.entries()) {
    if (i < done) continue;
    // What is put back stands at the level of the next evaluation, and is clean after the last.
    const level = plan.evaluations[i + 1]?.noising ?? { signal: 1, noise: 0 };
    const extras = [run.rescale ?? 0, level.signal, level.noise];
    const numbers = [evaluation.inputScale, run.guidance, ...evaluation.coefficients.flat(), ...extras];
    program.write('step', Float32Array.from(numbers));
    program.write('evaluation', new Uint32Array(batch).fill(i));
    if (evaluation.drawsNoise) program.write('noise', draw());
    await program.run(STEP_SEGMENT, { signal });
    await run.onStep?.(i + 1, evaluation.timestep);
  }
  const final = (await program.read('planes')) as Float32Array;
  return noise.map((_, i) => toChannelsFirst(final.subarray(i * count, (i + 1) * count), latent.channels));
}

/**
 * The solver's planes that a run starts from, f32 `[1 + slots, pictures, h, w, c]`, and evaluations done already. All that was
 * drawn for those is drawn, as later draws depend on it.
 */
function startingState(
  { plan, start = { kind: 'noise' }, resume }: DenoiseRun,
  draw: () => Float32Array<ArrayBuffer>,
  size: number,
): { planes: Float32Array<ArrayBuffer>; done: number } {
  const planes = new Float32Array((1 + plan.slots) * size);
  if (start.kind === 'latents') planes.set(concat(start.latents));
  else planes.set(draw().map((value) => value * plan.initNoiseSigma));
  if (!resume) return { planes, done: 0 };
  for (const { drawsNoise } of plan.evaluations.slice(0, resume.evaluations)) if (drawsNoise) draw();
  planes.fill(0).set(resume.planes);
  return { planes, done: resume.evaluations };
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
