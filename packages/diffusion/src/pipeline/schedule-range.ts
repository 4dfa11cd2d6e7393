import { SchedulerError, type Scheduler } from '@pleinair/schedulers';
import type { PictureRequest } from './request.js';

/**
 * Which steps of a schedule a request runs. Shares of the schedule are of its training timesteps, as in diffusers' ensemble of
 * experts: two models that split one schedule at a share meet at the same step.
 *
 * @throws SchedulerError `scheduler/steps` for a share outside 0…1, or one that leaves nothing to do.
 */
export function scheduleRange(
  scheduler: Scheduler,
  steps: number,
  { denoisingEnd }: Pick<PictureRequest, 'denoisingEnd'>,
): { startStep?: number; endStep?: number } {
  if (denoisingEnd === undefined) return {};
  const endStep = stepAt(scheduler, steps, 'denoisingEnd', denoisingEnd);
  if (endStep === 0) {
    throw new SchedulerError(
      'scheduler/steps',
      `generate: expected denoisingEnd to leave at least one of ${steps} steps, got ${denoisingEnd}. Raise it, or the steps.`,
    );
  }
  return { endStep };
}

/** The step of a schedule that begins below a share of it: the first whose timesteps lie beyond that share. */
export function stepAt(scheduler: Scheduler, steps: number, name: string, share: number): number {
  if (!(share > 0 && share < 1)) {
    throw new SchedulerError(
      'scheduler/steps',
      `generate: expected ${name} to lie between 0 and 1, got ${share}. It is a share of the schedule.`,
    );
  }
  const { trainTimesteps } = scheduler;
  const cutoff = Math.round(trainTimesteps - share * trainTimesteps);
  const { evaluations } = scheduler.plan(steps);
  return evaluations.find(({ timestep }) => timestep < cutoff)?.step ?? steps;
}
