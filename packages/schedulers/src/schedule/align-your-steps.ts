import { SchedulerError } from '../errors.js';
import { interpolateTable, linspace } from './numpy-grid.js';

/** Model families that "Align Your Steps" publishes noise levels for. */
export type AlignedModel = 'sd' | 'sdxl';

/** Noise levels of ten steps, with where the tenth begins to end (arXiv 2404.14507; diffusers' `AysSchedules`). */
const LEVELS: Readonly<Record<AlignedModel, readonly number[]>> = {
  sd: [14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029],
  sdxl: [14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.38, 0.234, 0.113, 0.029],
};

/**
 * Noise levels optimised for few steps, "Align Your Steps" (arXiv 2404.14507). Ten steps are the published table; other
 * numbers interpolate it linearly in ln σ, as its authors do.
 *
 * @param model - `sd` for Stable Diffusion 1.x, `sdxl` for SDXL.
 * @param steps - At least 1.
 * @returns `steps + 1` falling sigmas, the last 0: for {@link PlanOptions.sigmas}.
 * @throws SchedulerError `scheduler/steps` for anything but a positive whole number of steps.
 */
export function alignYourSteps(model: AlignedModel, steps: number): number[] {
  if (!Number.isInteger(steps) || steps < 1) {
    throw new SchedulerError(
      'scheduler/steps',
      `alignYourSteps: expected a whole number of steps of at least 1, got ${steps}. Use 10, which it was made for.`,
    );
  }
  const levels = LEVELS[model];
  if (steps + 1 === levels.length) return [...levels.slice(0, -1), 0];
  const logs = levels.map(Math.log);
  return [
    ...[...linspace(0, logs.length - 1, steps + 1)].slice(0, -1).map((at) => Math.exp(interpolateTable(at, logs))),
    0,
  ];
}
