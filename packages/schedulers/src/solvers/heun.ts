import type { ConfigReader } from '../config.js';
import { combine, slotRow } from '../linear-map.js';
import type { Evaluation, PlanOptions, SamplingPlan, Scheduler } from '../plan.js';
import { discreteSchedule } from '../schedule/discrete-schedule.js';
import { buildNoiseTable } from '../schedule/noise-table.js';
import { stepRange } from '../schedule/timesteps.js';
import { sigmaPlace } from './sigma-place.js';
import { evaluation } from './evaluation.js';

const NAME = 'HeunDiscreteScheduler';

/** Planes: the sample a step began with, and the slope there. */
const SLOTS = 2;
const [SAVED, SLOPE] = [slotRow(0), slotRow(1)];

/**
 * Heun's second-order method (arXiv 2206.00364, algorithm 1), as diffusers 0.39 `scheduling_heun_discrete.py`: every
 * step but the last evaluates the model twice, at the sample and at Euler's guess of the next one, and goes by the mean
 * of both slopes.
 */
export function heun(reader: ConfigReader): Scheduler {
  const predictionType = reader.choice('prediction_type', ['epsilon', 'v_prediction', 'sample'], 'epsilon');
  reader.refuseClipping(false);
  const table = buildNoiseTable(reader, { rescales: false, betaRange: [0.00085, 0.012] });
  const schedule = discreteSchedule(NAME, reader, table);

  function plan(steps: number, options: PlanOptions = {}): SamplingPlan {
    const { timesteps, sigmas } = schedule.lay(steps, options);
    const { start, end } = stepRange(NAME, steps, options);
    const place = (step: number, at: number) => sigmaPlace(predictionType, step, timesteps[at]!, sigmas[at]!);

    const evaluations: Evaluation[] = [];
    for (let step = start; step < end; step++) {
      const length = sigmas[step + 1]! - sigmas[step]!;
      const { slope, about } = place(step, step);
      evaluations.push(evaluation(about, [combine([1, { x: 1 }], [length, slope]), { x: 1 }, slope]));
      // No slope can be had at σ = 0, nor a timestep past the schedule's end: the last step is Euler's.
      if (step + 1 === steps) continue;
      const guess = place(step, step + 1);
      evaluations.push(
        evaluation(guess.about, [combine([1, SAVED], [length / 2, SLOPE], [length / 2, guess.slope]), SAVED, SLOPE]),
      );
    }
    return { scheduler: NAME, steps, slots: SLOTS, initNoiseSigma: schedule.initial(sigmas), evaluations };
  }

  return { name: NAME, predictionType, trainTimesteps: table.sigmas.length, plan };
}
