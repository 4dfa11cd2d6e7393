import { SchedulerError, type Scheduler } from '@pleinair/schedulers';
import type { PictureRequest } from './request.js';

/**
 * Which steps of a schedule a request runs. Shares of the schedule are of its training timesteps, as in diffusers' ensemble of
 * experts: two models that split one schedule at a share meet at the same step. A strength counts steps from the end.
 *
 * @throws SchedulerError `scheduler/steps` for a share outside 0…1, or one that leaves nothing to do.
 */
export function scheduleRange(
  scheduler: Scheduler,
  steps: number,
  { denoisingStart, denoisingEnd }: Pick<PictureRequest, 'denoisingStart' | 'denoisingEnd'>,
  strength?: number,
): { startStep?: number; endStep?: number } {
  const startStep =
    denoisingStart !== undefined
      ? stepAt(scheduler, steps, 'denoisingStart', denoisingStart)
      : strength === undefined
        ? undefined
        : steps - Math.min(Math.floor(steps * strength), steps);
  const endStep = denoisingEnd === undefined ? undefined : stepAt(scheduler, steps, 'denoisingEnd', denoisingEnd);
  if ((startStep ?? 0) >= (endStep ?? steps)) {
    const shares = Object.entries({ strength, denoisingStart, denoisingEnd }).filter(
      ([, share]) => share !== undefined,
    );
    throw new SchedulerError(
      'scheduler/steps',
      `generate: expected at least one of ${steps} steps to run, got none by ` +
        `${shares.map(([name, share]) => `${name} ${share}`).join(' and ')}. Ask for more steps, or a larger share of them.`,
    );
  }
  return { ...(startStep !== undefined && { startStep }), ...(endStep !== undefined && { endStep }) };
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
