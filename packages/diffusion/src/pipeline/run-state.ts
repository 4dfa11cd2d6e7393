import type { SamplingPlan } from '@pleinair/schedulers';
import { ShapeError } from '@pleinair/tensor';
import { toChannelsFirst } from '../denoise/latent-layout.js';
import type { EncodedImages } from './begin-picture.js';
import type { ImageJob } from './image-job.js';
import type { RunSettings } from './request.js';

/**
 * Where a call of `generate` stood after a step: with the same request, enough to go on from there, on another device too.
 * Plain data that can be copied to and from a worker; a few latents in size.
 */
export interface RunState {
  /** Which picture, from 0. */
  readonly picture: number;
  /** Finished evaluations of the model for it. */
  readonly evaluations: number;
  /** Its latents, then what the solver keeps beside them, f32 `[1 + slots, h, w, channels]`. */
  readonly planes: Float32Array<ArrayBuffer>;
  /** Final latents of the pictures before it, still scaled, f32 `[channels, h, w]` each. */
  readonly finished: readonly Float32Array<ArrayBuffer>[];
  /** What the VAE said of the picture that the request begins with, so that it is not asked again. */
  readonly encoded?: EncodedImages;
  /** What the run's pictures are made with. */
  readonly made: RunSettings;
  /** The schedule in numbers. */
  readonly plan: SamplingPlan;
  /** Once a refiner works: what the model before it has left of every picture, f32 `[channels, h, w]` each. */
  readonly begun?: readonly Float32Array<ArrayBuffer>[];
}

/** What of a prepared run a state must fit. */
export interface ResumableRun {
  readonly latent: { readonly width: number; readonly height: number; readonly channels: number };
  readonly schedule: SamplingPlan;
  readonly seeds: readonly number[];
  readonly job?: Pick<ImageJob, 'pixels' | 'maskedPixels'>;
  readonly made: RunSettings;
  readonly resume?: RunState;
}

/**
 * Holds a state to the request that is to go on from it. The prompt and the model are not looked at.
 *
 * @throws ShapeError `shape/resume`, naming the first thing that differs.
 */
export function checkResume({ latent, schedule, seeds, job, made, resume }: ResumableRun): void {
  if (!resume) return;
  const told = [
    'width',
    'height',
    'seed',
    'rng',
    'steps',
    'guidance',
    'guidanceRescale',
    'clipSkip',
    'strength',
  ] as const;
  for (const name of told) expectSame(name, resume.made[name], made[name]);
  if (JSON.stringify(schedule) !== JSON.stringify(resume.plan)) {
    expectSame('scheduler', resume.plan.scheduler, schedule.scheduler);
    throw wrong('the schedule that its run had', 'other noise levels or another eta');
  }
  const { picture, evaluations, finished, planes, encoded } = resume;
  if (!within(picture, 0, seeds.length - 1)) throw wrong(`a picture among the ${seeds.length} asked for`, picture);
  if (!within(evaluations, 1, schedule.evaluations.length)) {
    throw wrong(`1 to ${schedule.evaluations.length} finished evaluations`, evaluations);
  }
  const size = latent.width * latent.height * latent.channels;
  expectSame('numbers in planes', (1 + schedule.slots) * size, planes.length);
  expectSame('finished pictures', picture, finished.length);
  for (const latents of finished) expectSame('numbers in a finished picture', size, latents.length);
  expectSame('encoded picture', job?.pixels && size, encoded?.picture?.mean.length);
  expectSame('encoded masked picture', job?.maskedPixels && size, encoded?.masked?.mean.length);
}

/** Evaluations of the model that a run has before it, over all its pictures. */
export function evaluationsLeft({
  schedule,
  seeds,
  resume,
}: Pick<ResumableRun, 'schedule' | 'seeds' | 'resume'>): number {
  const each = schedule.evaluations.length;
  return seeds.length * each - (resume ? resume.picture * each + resume.evaluations : 0);
}

/** Final latents of every picture of a state after which nothing was left to denoise, f32 `[channels, h, w]` each. */
export function finalLatents({ planes, plan, finished }: RunState, channels: number): Float32Array<ArrayBuffer>[] {
  return [...finished, toChannelsFirst(planes.subarray(0, planes.length / (1 + plan.slots)), channels)];
}

function within(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

type Told = string | number | undefined;

function expectSame(name: string, expected: Told, got: Told): void {
  if (expected !== got) throw wrong(`${name} ${expected ?? 'left out'}`, got ?? 'nothing');
}

function wrong(expected: string, got: string | number): ShapeError {
  return new ShapeError(
    'shape/resume',
    `resume: expected ${expected}, got ${got}. Give the state with the request of the run that it was kept of.`,
  );
}
