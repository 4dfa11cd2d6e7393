import type { ConfigReader } from '../config.js';
import { SchedulerError } from '../errors.js';
import { combine } from '../linear-map.js';
import type { Evaluation, PlanOptions, PredictionType, SamplingPlan, Scheduler } from '../plan.js';
import { customLevels } from '../schedule/custom-levels.js';
import { buildNoiseTable } from '../schedule/noise-table.js';
import { linspace } from '../schedule/numpy-grid.js';
import { checkEta, checkSteps, stepRange } from '../schedule/timesteps.js';
import { tablePlace } from './table-place.js';
import { evaluation } from './evaluation.js';

const { fround } = Math;
const PREDICTIONS: readonly PredictionType[] = ['epsilon', 'sample', 'v_prediction'];
const LCM = 'LCMScheduler';
const TCD = 'TCDScheduler';

/** Deviation of clean latents that the boundary conditions of consistency models assume. */
const SIGMA_DATA = 0.5;

/** TCD's γ where none is asked for: what its authors use, and the default of its `step` in diffusers. */
const GAMMA = 0.3;

/**
 * Latent consistency sampling (arXiv 2310.04378), as diffusers 0.39 `scheduling_lcm.py`: each step goes to the clean latents,
 * within the boundary conditions `c_skip·x + c_out·x̂0`, and is noised again to the next level.
 */
export function lcm(reader: ConfigReader): Scheduler {
  const common = readConsistency(LCM, reader);
  const { predictionType, table, timestepsOf } = common;
  const { alphasCumprod } = table;
  const scaling = reader.number('timestep_scaling', 10);

  function plan(steps: number, options: PlanOptions = {}): SamplingPlan {
    const timesteps = timestepsOf(steps, options);
    const { start, end } = stepRange(LCM, steps, options);
    const evaluations = timesteps.slice(start, end).map((timestep, i): Evaluation => {
      const step = start + i;
      const { about, x0 } = tablePlace(LCM, predictionType, table, step, timestep);
      const scaled = timestep * scaling;
      const variance = scaled * scaled + SIGMA_DATA * SIGMA_DATA;
      const clean = combine([scaled / Math.sqrt(variance), x0], [(SIGMA_DATA * SIGMA_DATA) / variance, { x: 1 }]);
      const last = step + 1 === steps;
      const alpha = last ? 1 : alphasCumprod[timesteps[step + 1]!]!;
      return evaluation(about, [combine([Math.sqrt(alpha), clean], [Math.sqrt(1 - alpha), { n: 1 }])], !last);
    });
    return { scheduler: LCM, steps, slots: 0, initNoiseSigma: 1, evaluations };
  }

  return { name: LCM, predictionType, trainTimesteps: alphasCumprod.length, plan };
}

/**
 * Trajectory consistency sampling (arXiv 2402.19159), as diffusers 0.39 `scheduling_tcd.py`: each step goes beyond the next
 * level, to (1 − γ) of its timestep, and is noised back to it. γ is {@link PlanOptions.eta}.
 */
export function tcd(reader: ConfigReader): Scheduler {
  const { predictionType, table, timestepsOf } = readConsistency(TCD, reader);
  const { alphasCumprod } = table;

  function plan(steps: number, options: PlanOptions = {}): SamplingPlan {
    const timesteps = timestepsOf(steps, options);
    const { start, end } = stepRange(TCD, steps, options);
    const gamma = checkEta(TCD, options.eta ?? GAMMA, 1);
    const evaluations = timesteps.slice(start, end).map((timestep, i): Evaluation => {
      const step = start + i;
      const { about, x0, epsilon } = tablePlace(TCD, predictionType, table, step, timestep);
      const next = timesteps[step + 1] ?? 0;
      // A product of float32s in diffusers: it decides which whole timestep is meant.
      const beyond = alphasCumprod[Math.floor(fround(fround(1 - gamma) * next))]!;
      const arrived = combine([Math.sqrt(beyond), x0], [Math.sqrt(1 - beyond), epsilon]);
      const draws = gamma > 0 && step + 1 < steps;
      const kept = draws ? alphasCumprod[next]! / beyond : 1;
      return evaluation(about, [combine([Math.sqrt(kept), arrived], [Math.sqrt(1 - kept), { n: 1 }])], draws);
    });
    return { scheduler: TCD, steps, slots: 0, initNoiseSigma: 1, evaluations };
  }

  return { name: TCD, predictionType, trainTimesteps: alphasCumprod.length, plan };
}

/** What both read: the timesteps are some of the `original_inference_steps` that the model was distilled on. */
function readConsistency(name: string, reader: ConfigReader) {
  const predictionType = reader.choice('prediction_type', PREDICTIONS, 'epsilon');
  reader.refuseClipping(false);
  const table = buildNoiseTable(reader, { betaRange: [0.00085, 0.012], betaSchedule: 'scaled_linear' });
  const trainTimesteps = table.sigmas.length;
  const original = reader.integer('original_inference_steps', 50, 1);
  if (original > trainTimesteps) reader.fail('original_inference_steps', `at most ${trainTimesteps}`, original);

  function timestepsOf(steps: number, options: PlanOptions): number[] {
    const custom = customLevels(name, steps, options, { timesteps: true, sigmas: false, last: trainTimesteps - 1 });
    if (custom.timesteps) return custom.timesteps.map(Math.trunc);
    checkSteps(name, steps, trainTimesteps);
    if (steps > original) {
      throw new SchedulerError(
        'scheduler/steps',
        `${name}: expected at most ${original} steps, the "original_inference_steps" its model was distilled on, got ` +
          `${steps}. Such models need few: 4 to 8.`,
      );
    }
    const stride = Math.floor(trainTimesteps / original);
    // np.linspace without its end.
    const picks = [...linspace(0, original, steps + 1)].slice(0, -1).map(Math.floor);
    return picks.map((pick) => (original - pick) * stride - 1);
  }

  return { predictionType, table, timestepsOf };
}
