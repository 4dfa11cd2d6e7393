import type { ConfigReader } from '../config.js';
import { combine, slotRow } from '../linear-map.js';
import type { Evaluation, PlanOptions, SamplingPlan, Scheduler } from '../plan.js';
import { discreteSchedule } from '../schedule/discrete-schedule.js';
import { buildNoiseTable } from '../schedule/noise-table.js';
import { stepRange } from '../schedule/timesteps.js';
import { ancestralSplit, sigmaPlace } from './sigma-place.js';
import { evaluation } from './evaluation.js';

/** One plane: the sample a step began with. */
const SLOTS = 1;
const SAVED = slotRow(0);

/**
 * DPM-Solver-2 in σ (arXiv 2206.00364, algorithm 2 without churn): the slope half way in ln σ is that of the whole step. As
 * diffusers 0.39 `scheduling_k_dpm_2_discrete.py`; every step but the last evaluates the model twice.
 */
export function kDpm2(reader: ConfigReader): Scheduler {
  return build('KDPM2DiscreteScheduler', reader, false);
}

/** DPM-Solver-2 with part of each step's noise replaced by fresh noise, as `scheduling_k_dpm_2_ancestral_discrete.py`. */
export function kDpm2Ancestral(reader: ConfigReader): Scheduler {
  return build('KDPM2AncestralDiscreteScheduler', reader, true);
}

function build(name: string, reader: ConfigReader, ancestral: boolean): Scheduler {
  const predictionType = reader.choice('prediction_type', ['epsilon', 'v_prediction'], 'epsilon');
  const table = buildNoiseTable(reader, { rescales: false, betaRange: [0.00085, 0.012] });
  const schedule = discreteSchedule(name, reader, table, { wholeKarras: true });

  function plan(steps: number, options: PlanOptions = {}): SamplingPlan {
    const { timesteps, sigmas } = schedule.lay(steps, options);
    const { start, end } = stepRange(name, steps, options);
    const evaluations: Evaluation[] = [];
    for (let step = start; step < end; step++) {
      const from = sigmas[step]!;
      const to = sigmas[step + 1]!;
      const first = sigmaPlace(predictionType, step, timesteps[step]!, from);
      if (step + 1 === steps) {
        const next = combine([1, { x: 1 }], [to - from, first.slope]);
        evaluations.push(evaluation(first.about, [next, SAVED]));
        continue;
      }
      const { down, up } = ancestral ? ancestralSplit(from, to) : { down: to, up: 0 };
      const middle = Math.sqrt(from * down);
      evaluations.push(evaluation(first.about, [combine([1, { x: 1 }], [middle - from, first.slope]), { x: 1 }]));
      const second = sigmaPlace(predictionType, step, schedule.timestepOf(middle), middle);
      evaluations.push(
        evaluation(second.about, [combine([1, SAVED], [down - from, second.slope], [up, { n: 1 }]), SAVED], ancestral),
      );
    }
    return { scheduler: name, steps, slots: SLOTS, initNoiseSigma: schedule.initial(sigmas), evaluations };
  }

  return { name, predictionType, trainTimesteps: table.sigmas.length, plan };
}
