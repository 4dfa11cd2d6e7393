import { SchedulerError } from '../errors.js';
import type { PlanOptions, Scheduler } from '../plan.js';
import { roundHalfToEven } from './numpy-grid.js';

/** Which part of a schedule to run, in the terms of diffusers' pipelines. */
export interface SchedulePart {
  /**
   * Image to image: how much of the picture is made anew, from 0 to 1. The last `⌊steps · strength⌋` steps run; 1 is all of
   * them, from noise at the first one's level.
   */
  readonly strength?: number;
  /** Ensemble of experts: the share of the schedule, from 0 to 1, that another model has run before. Overrides strength. */
  readonly denoisingStart?: number;
  /** The share of the schedule after which another model takes over. */
  readonly denoisingEnd?: number;
}

/**
 * Turns shares of a schedule into the steps of {@link Scheduler.plan} to run, as diffusers' image-to-image and SDXL pipelines
 * do: `strength` counts steps, `denoisingStart` and `denoisingEnd` cut at a training timestep.
 *
 * Second-order solvers are cut between whole steps. (diffusers cuts between evaluations: a base model there ends a half step
 * ahead, and the refiner takes that step again.)
 *
 * @param steps - Steps of the full schedule.
 * @param options - As for `plan`: custom timesteps or sigmas decide where a cut falls.
 * @returns `startStep` and `endStep`; spread them into the options of `plan`.
 * @throws SchedulerError `scheduler/steps` for shares outside 0 to 1 or parts with no step in them, `scheduler/unsupported`
 *   for shares of schedules that have no training timesteps.
 *
 * @example
 * ```ts
 * const plan = scheduler.plan(30, stepsOfPart(scheduler, 30, { strength: 0.6 })); // the last 18 steps
 * ```
 */
export function stepsOfPart(
  scheduler: Scheduler,
  steps: number,
  part: SchedulePart,
  options: Pick<PlanOptions, 'timesteps' | 'sigmas'> = {},
): { readonly startStep: number; readonly endStep: number } {
  const { strength, denoisingStart, denoisingEnd } = part;
  for (const [name, value] of Object.entries({ strength, denoisingStart, denoisingEnd })) {
    if (value === undefined || (value >= 0 && value <= 1)) continue;
    throw new SchedulerError(
      'scheduler/steps',
      `${name}: expected 0 to 1, got ${value}. Give a share of the schedule.`,
    );
  }
  let startStep = 0;
  let endStep = steps;
  if (denoisingStart === undefined && strength !== undefined) startStep = steps - Math.floor(steps * strength);
  if (denoisingStart !== undefined || denoisingEnd !== undefined) {
    const timesteps = firstTimesteps(scheduler, steps, options);
    const cutAt = (share: number): number => {
      const cut = roundHalfToEven(scheduler.trainTimesteps - share * scheduler.trainTimesteps);
      const before = timesteps.findIndex((timestep) => timestep < cut);
      return before === -1 ? steps : before;
    };
    if (denoisingStart !== undefined) startStep = cutAt(denoisingStart);
    // As in diffusers, 0 and 1 mean no cut at the end.
    if (denoisingEnd !== undefined && denoisingEnd > 0 && denoisingEnd < 1) endStep = cutAt(denoisingEnd);
  }
  if (startStep >= endStep) {
    throw new SchedulerError(
      'scheduler/steps',
      `${scheduler.name}: expected a part of the schedule with a step in it, got ` +
        `${Object.entries({ strength, denoisingStart, denoisingEnd })
          .filter(([, value]) => value !== undefined)
          .map(([name, value]) => `${name} ${value}`)
          .join(' and ')} of ${steps} steps. Use more steps or a larger part.`,
    );
  }
  return { startStep, endStep };
}

/** What the model is told at the beginning of each step. */
function firstTimesteps(scheduler: Scheduler, steps: number, options: PlanOptions): number[] {
  if (scheduler.timestepUnit === 'log-sigma') {
    throw new SchedulerError(
      'scheduler/unsupported',
      `${scheduler.name}: expected a schedule in training timesteps for denoisingStart and denoisingEnd, got one in ln σ. ` +
        'Use strength, or startStep and endStep.',
    );
  }
  const timesteps: number[] = [];
  for (const { step, timestep } of scheduler.plan(steps, options).evaluations) timesteps[step] ??= timestep;
  return timesteps;
}
