import { guidanceHalves, PROMPT_SEGMENT, STEP_SEGMENT } from '@pleinair/diffusion';
import type { NoiseSource, SamplingPlan } from '@pleinair/schedulers';
import type { Program } from '@pleinair/tensor';
import type { EncodedPrompts, TextConditioning } from './encode-text.js';
import type { PipelineShape } from './graphs.js';
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

/** Writes what depends on the prompt only, for every guidance half, in the order unconditional, conditional. */
export function writeConditioning(
  program: Program,
  shape: PipelineShape,
  encoded: EncodedPrompts,
  timeIds: Float32Array,
): void {
  const { pictures, guided } = shape;
  const texts = guided ? [encoded.unconditional!, encoded.conditional] : [encoded.conditional];
  const all = guidanceHalves(shape);
  all.forEach(({ suffix, batch }, i) => {
    const rows = all.length > 1 ? repeat(texts[i]!, pictures) : texts.flatMap((text) => repeat(text, pictures));
    program.write(`encoder_hidden_states${suffix}`, concat(rows.map(({ states }) => states)));
    program.write(`text_embeds${suffix}`, concat(rows.map(({ pooled }) => pooled)));
    program.write(`time_ids${suffix}`, concat(Array.from({ length: batch }, () => timeIds)));
  });
}

/**
 * The denoising loop: draw noise, then for each evaluation write a handful of numbers and run the step. Nothing is read
 * back until the end.
 *
 * @returns Final latents of every picture, still scaled, f32 `[channels, h, w]`.
 */
export async function denoise(
  program: Program,
  shape: PipelineShape,
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

function repeat(text: TextConditioning, times: number): TextConditioning[] {
  return Array.from({ length: times }, () => text);
}

function concat(arrays: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const out = new Float32Array(arrays.reduce((sum, a) => sum + a.length, 0));
  arrays.reduce((at, a) => (out.set(a, at), at + a.length), 0);
  return out;
}
