import type { ConfigReader } from '../config.js';
import { combine } from '../linear-map.js';
import type { Evaluation, PlanOptions, SamplingPlan, Scheduler } from '../plan.js';
import { discreteSchedule } from '../schedule/discrete-schedule.js';
import { buildNoiseTable, ZERO_SNR_FLOOR } from '../schedule/noise-table.js';
import { stepRange } from '../schedule/timesteps.js';
import { ancestralSplit, sigmaPlace } from './sigma-place.js';
import { evaluation } from './evaluation.js';

const { fround } = Math;
const NAME = 'EulerDiscreteScheduler';
const ANCESTRAL_NAME = 'EulerAncestralDiscreteScheduler';

/** Euler's method on the probability-flow ODE (arXiv 2206.00364), as diffusers 0.39 `scheduling_euler_discrete.py`. */
export function euler(reader: ConfigReader): Scheduler {
  const predictionType = reader.choice('prediction_type', ['epsilon', 'v_prediction', 'sample'], 'epsilon');
  const interpolation = reader.choice('interpolation_type', ['linear', 'log_linear'], 'linear');
  const final = reader.choice('final_sigmas_type', ['zero', 'sigma_min'], 'zero');
  const continuous = reader.choice('timestep_type', ['discrete', 'continuous'], 'discrete') === 'continuous';
  const table = buildNoiseTable(reader, { zeroSnrFloor: ZERO_SNR_FLOOR });
  const schedule = discreteSchedule(NAME, reader, table, { final, interpolation });
  // Models conditioned on noise itself (EDM style) are told ln σ / 4.
  const tellsSigma = continuous && predictionType === 'v_prediction';

  function plan(steps: number, options: PlanOptions = {}): SamplingPlan {
    const { timesteps, sigmas } = schedule.lay(steps, options);
    const { start, end } = stepRange(NAME, steps, options);
    const evaluations = timesteps.slice(start, end).map((timestep, i): Evaluation => {
      const step = start + i;
      const sigma = sigmas[step]!;
      const told = tellsSigma ? fround(0.25 * fround(Math.log(sigma))) : timestep;
      const { about, slope } = sigmaPlace(predictionType, step, told, sigma);
      const length = sigmas[step + 1]! - sigma;
      return evaluation(about, [combine([1, { x: 1 }], [length, slope])]);
    });
    return { scheduler: NAME, steps, slots: 0, initNoiseSigma: schedule.initial(sigmas), evaluations };
  }

  const timestepUnit = tellsSigma ? 'log-sigma' : 'train';
  return { name: NAME, predictionType, trainTimesteps: table.sigmas.length, timestepUnit, plan };
}

/**
 * Euler steps with part of each step's noise replaced by fresh noise, as diffusers 0.39
 * `scheduling_euler_ancestral_discrete.py`. It has no Karras sigmas there, and ignores the key.
 */
export function eulerAncestral(reader: ConfigReader): Scheduler {
  const predictionType = reader.choice('prediction_type', ['epsilon', 'v_prediction'], 'epsilon');
  const table = buildNoiseTable(reader, { zeroSnrFloor: ZERO_SNR_FLOOR });
  const schedule = discreteSchedule(ANCESTRAL_NAME, reader, table, { spreads: false });

  function plan(steps: number, options: PlanOptions = {}): SamplingPlan {
    const { timesteps, sigmas } = schedule.lay(steps, options);
    const { start, end } = stepRange(ANCESTRAL_NAME, steps, options);
    const evaluations = timesteps.slice(start, end).map((timestep, i): Evaluation => {
      const step = start + i;
      const sigma = sigmas[step]!;
      const { about, slope } = sigmaPlace(predictionType, step, timestep, sigma);
      const { down, up } = ancestralSplit(sigma, sigmas[step + 1]!);
      const next = combine([1, { x: 1 }], [down - sigma, slope], [up, { n: 1 }]);
      return evaluation(about, [next], true);
    });
    return { scheduler: ANCESTRAL_NAME, steps, slots: 0, initNoiseSigma: schedule.initial(sigmas), evaluations };
  }

  return { name: ANCESTRAL_NAME, predictionType, trainTimesteps: table.sigmas.length, plan };
}
