import { SchedulerError } from '../errors.js';
import type { PlanOptions } from '../plan.js';

/** Which custom lists a scheduler takes. */
export interface CustomLevels {
  readonly timesteps?: readonly number[];
  /** One more than there are steps: the last is where the last step ends. */
  readonly sigmas?: readonly number[];
}

/**
 * Checks the custom timesteps or sigmas of a plan.
 *
 * @param takes - What the scheduler has a meaning for.
 * @param last - The greatest timestep of training.
 * @throws SchedulerError `scheduler/steps` for lists of the wrong length or that do not fall, `scheduler/unsupported` for
 *   lists the scheduler does not take.
 */
export function customLevels(
  scheduler: string,
  steps: number,
  options: PlanOptions,
  takes: { readonly timesteps: boolean; readonly sigmas: boolean; readonly last: number },
): CustomLevels {
  const { timesteps, sigmas } = options;
  if (timesteps && sigmas) {
    throw new SchedulerError(
      'scheduler/steps',
      `${scheduler}: expected custom timesteps or custom sigmas, got both. Each follows from the other: give one.`,
    );
  }
  for (const [name, list, taken] of [
    ['timesteps', timesteps, takes.timesteps],
    ['sigmas', sigmas, takes.sigmas],
  ] as const) {
    if (!list || taken) continue;
    throw new SchedulerError(
      'scheduler/unsupported',
      `${scheduler}: expected no custom ${name}, got ${list.length} of them. ` +
        (takes.timesteps || takes.sigmas
          ? `Give custom ${takes.timesteps ? 'timesteps' : 'sigmas'} instead.`
          : 'Use another scheduler, for example DPMSolverMultistepScheduler.'),
    );
  }
  if (timesteps) {
    const fits = timesteps.every((t, i) => t >= 0 && t <= takes.last && (i === 0 || t < timesteps[i - 1]!));
    if (timesteps.length !== steps || !fits) {
      throw new SchedulerError(
        'scheduler/steps',
        `${scheduler}: expected ${steps} falling timesteps from ${takes.last} to 0, got [${timesteps.join(', ')}]. ` +
          'Put the noisiest first.',
      );
    }
  }
  if (sigmas) {
    const fits = sigmas.every((sigma, i) => sigma >= 0 && (i === 0 || sigma < sigmas[i - 1]!));
    if (sigmas.length !== steps + 1 || !fits) {
      throw new SchedulerError(
        'scheduler/steps',
        `${scheduler}: expected ${steps + 1} falling sigmas for ${steps} steps, got [${sigmas.join(', ')}]. ` +
          'Put the noisiest first, and last the one that the last step ends at, usually 0.',
      );
    }
  }
  return { timesteps, sigmas };
}
