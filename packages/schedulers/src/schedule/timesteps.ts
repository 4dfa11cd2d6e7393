import { SchedulerError } from '../errors.js';
import { arange, linspace, roundHalfToEven } from './numpy-grid.js';
import type { PlanOptions } from '../plan.js';

/** How timesteps are spread over the schedule (arXiv 2305.08891, table 2). */
export type TimestepSpacing = 'linspace' | 'leading' | 'trailing';

/** The three spacings, as in configurations. */
export const TIMESTEP_SPACINGS: readonly TimestepSpacing[] = ['linspace', 'leading', 'trailing'];

/**
 * Timesteps for `steps` steps, noisiest first, as DDIM and the Euler family in diffusers compute them.
 * `linspace` is left unrounded: DDIM rounds it, Euler does not.
 */
export function spacedTimesteps(
  spacing: TimestepSpacing,
  steps: number,
  trainTimesteps: number,
  stepsOffset: number,
): number[] {
  switch (spacing) {
    case 'linspace':
      return [...linspace(0, trainTimesteps - 1, steps)].reverse();
    case 'leading': {
      const ratio = Math.floor(trainTimesteps / steps);
      return Array.from({ length: steps }, (_, i) => (steps - 1 - i) * ratio + stepsOffset);
    }
    case 'trailing':
      return trailingTimesteps(trainTimesteps, trainTimesteps, steps);
  }
}

/**
 * Timesteps counted down from `top` in strides of `trainTimesteps / steps`, at most `steps` of them.
 *
 * For 62 numbers of steps up to 1000 (61 is the first) the stride's rounding leaves np.arange one value more, and
 * diffusers then runs an extra step at timestep −1, which indexes the noisiest entry of its tables. That accident is
 * not followed.
 */
export function trailingTimesteps(top: number, trainTimesteps: number, steps: number): number[] {
  return Array.from(arange(top, 0, -(trainTimesteps / steps)).slice(0, steps), (t) => roundHalfToEven(t) - 1);
}

/** Checks a step count. */
export function checkSteps(scheduler: string, steps: number, most: number): void {
  if (!Number.isInteger(steps) || steps < 1 || steps > most) {
    throw new SchedulerError(
      'scheduler/steps',
      `${scheduler}: expected a whole number of steps from 1 to ${most}, got ${String(steps)}. ` +
        'The model knows no more distinct timesteps than it was trained on.',
    );
  }
}

/** Checks and completes the range of steps to run. */
export function stepRange(scheduler: string, steps: number, options: PlanOptions): { start: number; end: number } {
  const start = options.startStep ?? 0;
  const end = options.endStep ?? steps;
  if (!Number.isInteger(start) || !Number.isInteger(end) || start < 0 || end > steps || start >= end) {
    throw new SchedulerError(
      'scheduler/steps',
      `${scheduler}: expected 0 ≤ startStep < endStep ≤ ${steps}, got ${String(start)} and ${String(end)}. ` +
        'Ask for at least one step inside the schedule.',
    );
  }
  return { start, end };
}

/**
 * Checks how random a step shall be.
 *
 * @throws SchedulerError `scheduler/steps` below 0 or above `most`.
 */
export function checkEta(scheduler: string, eta: number, most = Infinity): number {
  if (eta >= 0 && eta <= most) return eta;
  const range = most === Infinity ? 'of at least 0' : `from 0 to ${most}`;
  throw new SchedulerError('scheduler/steps', `${scheduler}: expected eta ${range}, got ${eta}. Use 0 to 1.`);
}
