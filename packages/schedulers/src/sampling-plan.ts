import type { SchedulerConfig } from './config.js';
import { SchedulerError } from './errors.js';
import type { SamplingPlan } from './plan.js';
import { schedulerFromConfig } from './registry.js';
import { alignYourSteps, type AlignedModel } from './schedule/align-your-steps.js';
import { stepsOfPart, type SchedulePart } from './schedule/part-of-schedule.js';

/** A request for a plan, in the words users have. */
export interface SamplingRequest extends SchedulePart {
  /** A short name, AUTOMATIC1111's name, or a diffusers class. @defaultValue the configuration's own class */
  readonly scheduler?: string;
  /** Steps of the full schedule; with custom timesteps or sigmas it follows from them. */
  readonly steps: number;
  /** See {@link PlanOptions.eta}. */
  readonly eta?: number;
  /** See {@link PlanOptions.timesteps}. */
  readonly timesteps?: readonly number[];
  /** See {@link PlanOptions.sigmas}; or the published levels of "Align Your Steps" for as many steps. */
  readonly sigmas?: readonly number[] | 'align-your-steps';
}

/**
 * Plans a run from a model's configuration and a user's request: the one call a pipeline needs.
 *
 * @param config - Contents of `scheduler_config.json`.
 * @param model - Which published levels "Align Your Steps" means.
 * @throws SchedulerError as {@link schedulerFromConfig}, {@link Scheduler.plan}, {@link stepsOfPart} and
 *   {@link alignYourSteps} do.
 */
export function planSampling(config: SchedulerConfig, request: SamplingRequest, model: AlignedModel): SamplingPlan {
  const { scheduler: name, eta, timesteps } = request;
  const scheduler = schedulerFromConfig(config, name === undefined ? {} : { scheduler: name });
  const aligned = request.sigmas === 'align-your-steps';
  if (aligned && scheduler.timestepUnit === 'log-sigma') {
    throw new SchedulerError(
      'scheduler/unsupported',
      `${scheduler.name}: expected sigmas of its own range, got "align-your-steps", which is made for SD and SDXL. ` +
        'Leave it away.',
    );
  }
  const sigmas = request.sigmas === 'align-your-steps' ? alignYourSteps(model, request.steps) : request.sigmas;
  const steps = timesteps?.length ?? (sigmas ? sigmas.length - 1 : request.steps);
  const levels = { timesteps, sigmas };
  const { strength, denoisingStart, denoisingEnd } = request;
  const part = strength ?? denoisingStart ?? denoisingEnd;
  const range = part === undefined ? {} : stepsOfPart(scheduler, steps, request, levels);
  return scheduler.plan(steps, { ...range, ...levels, eta });
}
