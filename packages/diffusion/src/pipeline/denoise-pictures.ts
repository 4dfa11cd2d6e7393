import type { Program, ProgramPlan } from '@pleinair/tensor';
import { writeConditioning, type Conditioning } from '../denoise/conditioning.js';
import { denoise, preparePrompt, prepareSchedule } from '../denoise/denoise-loop.js';
import { PROMPT_SEGMENT, SCHEDULE_SEGMENT, STEP_SEGMENT } from '../denoise/denoiser-graph.js';
import { writeGuidanceEmbedding } from '../denoise/guidance-embedding.js';
import type { Clock } from '../parts/clock.js';
import type { Part, PartUse } from '../parts/part.js';
import { beginPicture, type EncodedImages } from './begin-picture.js';
import type { Decode } from './decode.js';
import type { LatentModel } from './latent-model.js';
import type { PreparedRun } from './prepare.js';
import { previewOf } from './previews.js';
import type { PictureRequest } from './request.js';
import type { RunState } from './run-state.js';

/** What denoising a run's pictures needs beside what was prepared. */
export interface DenoisePictures {
  readonly model: LatentModel;
  readonly part: Part;
  /** Of the denoiser for the run's shape. */
  readonly plan: ProgramPlan;
  readonly run: PreparedRun;
  readonly request: PictureRequest;
  readonly texts: Conditioning;
  /** What the VAE said of the run's pictures. */
  readonly encoded: EncodedImages;
  readonly use: PartUse;
  readonly clock: Clock;
  /** For previews in full. */
  readonly decode?: Decode;
}

/** Final latents of every picture, still scaled, f32 `[channels, h, w]`. The UNet is loaded once for all. */
export function denoisePictures(work: DenoisePictures): Promise<Float32Array<ArrayBuffer>[]> {
  const { model, part, run, request, use } = work;
  const { shape, plan: schedule, made, latent, resume } = run;
  const { signal } = request;
  return part.use(work.plan, use, async (program) => {
    await part.ready(program, PROMPT_SEGMENT, use);
    writeConditioning(program, shape, withTimeIds(work));
    await preparePrompt(program, signal);
    await part.ready(program, SCHEDULE_SEGMENT, use);
    const evaluated = { ...shape, ...shape.solver };
    const { timeCondDim } = model.config.unet;
    if (timeCondDim) writeGuidanceEmbedding(program, evaluated, made.guidance, timeCondDim);
    await prepareSchedule(program, evaluated, schedule, signal);
    await part.ready(program, STEP_SEGMENT, use);
    const results: Float32Array<ArrayBuffer>[] = [...(resume?.finished ?? [])];
    for (const [picture, noise] of run.noise.entries()) {
      if (resume && picture < resume.picture) continue;
      const begun = resume?.picture === picture ? resume : undefined;
      const onStep = stepReporter(work, program, picture, { finished: [...results], evaluations: begun?.evaluations });
      const { vae } = model.config;
      const begins =
        run.job && beginPicture(run.job, work.encoded, noise, schedule, vae.scalingFactor, vae.latentChannels, picture);
      const one = await denoise(program, shape, {
        plan: schedule,
        noise: [noise],
        guidance: made.guidance,
        rescale: request.guidanceRescale,
        ...(begins && { start: { kind: 'latents' as const, latents: [begins.latents] } }),
        resume: begun,
        ...(begins?.kept && { kept: [begins.kept] }),
        ...(begins?.extra && { extra: [begins.extra] }),
        latent,
        signal,
        onStep,
      });
      results.push(...one);
    }
    return results;
  });
}

/** The texts with the size numbers each is told, where the model takes any. */
function withTimeIds({ model, run, request, texts }: DenoisePictures): Conditioning {
  const { conditional, unconditional } = texts;
  const told = (negative: boolean) => model.timeIds?.(run.shape, request.conditioning ?? {}, negative);
  return {
    conditional: { ...conditional, timeIds: told(false) },
    unconditional: unconditional && { ...unconditional, timeIds: told(true) },
  };
}

/**
 * Tells of finished steps of a picture, with a preview where one is due, and with where the run stands where that is kept.
 *
 * @param before - Latents of the pictures before it, and evaluations that an earlier call has made of this one.
 */
function stepReporter(
  work: DenoisePictures,
  program: Program,
  picture: number,
  before: { readonly finished: RunState['finished']; readonly evaluations: number | undefined },
): (step: number, timestep: number) => Promise<void> {
  const { run, request, decode, clock } = work;
  const { latent, preview: wish, plan } = run;
  const { signal, keepState } = request;
  const { finished, evaluations: earlier = 0 } = before;
  const started = performance.now();
  return async (step, timestep) => {
    const stepsPerSecond = ((step - earlier) * 1000) / (performance.now() - started);
    const source = { program, plan, latent, decode, signal };
    const preview =
      wish.mode === 'off' ? undefined : await clock.time('previewMs', () => previewOf(wish, source, step));
    const state = keepState ? await stateAfter(work, program, { picture, evaluations: step, finished }) : undefined;
    await request.onStep?.({ picture, step, steps: plan.evaluations.length, timestep, stepsPerSecond, preview, state });
  };
}

/** Where a run stands, read back. */
async function stateAfter(
  { run: { plan, schedule, made }, encoded }: DenoisePictures,
  program: Program,
  place: Pick<RunState, 'picture' | 'evaluations' | 'finished'>,
): Promise<RunState> {
  const all = (await program.read('planes')) as Float32Array<ArrayBuffer>;
  // What previews keep is in the last slots and is not needed to go on.
  const planes = all.slice(0, (all.length / (1 + plan.slots)) * (1 + schedule.slots));
  return { ...place, planes, ...(encoded.picture || encoded.masked ? { encoded } : {}), made, plan: schedule };
}
