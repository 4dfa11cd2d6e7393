import type { ConfigReader } from '../config.js';
import { combine, slotRow } from '../linear-map.js';
import type { Evaluation, PlanOptions, SamplingPlan, Scheduler } from '../plan.js';
import { discreteSchedule } from '../schedule/discrete-schedule.js';
import { buildNoiseTable } from '../schedule/noise-table.js';
import { stepRange } from '../schedule/timesteps.js';
import { sigmaPlace } from './sigma-place.js';
import { evaluation } from './evaluation.js';

const NAME = 'LMSDiscreteScheduler';

/** Slopes a step goes by, the newest and those of three steps before. */
const ORDER = 4;
const SLOTS = ORDER - 1;

/**
 * Linear multistep in σ, Adams–Bashforth with uneven steps: the slope is the polynomial through the last four, integrated
 * over the step, as diffusers 0.39 `scheduling_lms_discrete.py` (from k-diffusion).
 *
 * Started inside the schedule, diffusers takes weights of order 4 and drops those it has no slope for, so that the first
 * steps are of the wrong length. Not followed: here the order grows from 1 wherever a run starts.
 */
export function lms(reader: ConfigReader): Scheduler {
  const predictionType = reader.choice('prediction_type', ['epsilon', 'v_prediction', 'sample'], 'epsilon');
  const table = buildNoiseTable(reader, { rescales: false });
  const schedule = discreteSchedule(NAME, reader, table, { karrasRange: false });

  function plan(steps: number, options: PlanOptions = {}): SamplingPlan {
    const { timesteps, sigmas } = schedule.lay(steps, options);
    const { start, end } = stepRange(NAME, steps, options);
    const evaluations = timesteps.slice(start, end).map((timestep, i): Evaluation => {
      const step = start + i;
      const { about, slope } = sigmaPlace(predictionType, step, timestep, sigmas[step]!);
      const slopes = [slope, slotRow(0), slotRow(1), slotRow(2)];
      const weights = multistepWeights(sigmas, step, Math.min(i + 1, ORDER));
      return evaluation(about, [
        combine([1, { x: 1 }], ...weights.map((weight, k) => [weight, slopes[k]!] as const)),
        ...slopes.slice(0, SLOTS),
      ]);
    });
    return { scheduler: NAME, steps, slots: SLOTS, initNoiseSigma: schedule.initial(sigmas), evaluations };
  }

  return { name: NAME, predictionType, trainTimesteps: table.sigmas.length, plan };
}

/**
 * ∫ of Lagrange's polynomials through σ[step], σ[step − 1], … over the step. Gauss's rule of two points is exact for
 * their degree, at most 3.
 */
function multistepWeights(sigmas: readonly number[], step: number, order: number): number[] {
  const from = sigmas[step]!;
  const half = (sigmas[step + 1]! - from) / 2;
  const points = [-1, 1].map((side) => from + half * (1 + side / Math.sqrt(3)));
  return Array.from({ length: order }, (_, j) => {
    const own = sigmas[step - j]!;
    return points.reduce((sum, point) => {
      let value = half;
      for (let k = 0; k < order; k++) {
        if (k !== j) value *= (point - sigmas[step - k]!) / (own - sigmas[step - k]!);
      }
      return sum + value;
    }, 0);
  });
}
