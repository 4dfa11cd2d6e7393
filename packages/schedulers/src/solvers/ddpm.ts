import type { ConfigReader } from '../config.js';
import { combine } from '../linear-map.js';
import type { Evaluation, PlanOptions, PredictionType, SamplingPlan, Scheduler } from '../plan.js';
import { buildNoiseTable } from '../schedule/noise-table.js';
import { stepRange } from '../schedule/timesteps.js';
import { tablePlace, tableTimesteps } from './table-place.js';
import { evaluation } from './evaluation.js';

const NAME = 'DDPMScheduler';
const PREDICTIONS: readonly PredictionType[] = ['epsilon', 'sample', 'v_prediction'];

/**
 * DDPM's ancestral sampling (arXiv 2006.11239, eq. 6 and 7), as diffusers 0.39 `scheduling_ddpm.py`. `fixed_large_log` is
 * refused: diffusers takes the root of a negative number there.
 */
export function ddpm(reader: ConfigReader): Scheduler {
  const predictionType = reader.choice('prediction_type', PREDICTIONS, 'epsilon');
  const variance = reader.choice('variance_type', ['fixed_small', 'fixed_small_log', 'fixed_large'], 'fixed_small');
  reader.refuseClipping(true);
  const table = buildNoiseTable(reader);
  const { alphasCumprod } = table;
  const timestepsOf = tableTimesteps(NAME, reader, table);

  function plan(steps: number, options: PlanOptions = {}): SamplingPlan {
    const timesteps = timestepsOf(steps, options);
    const { start, end } = stepRange(NAME, steps, options);
    const evaluations = timesteps.slice(start, end).map((timestep, i): Evaluation => {
      const step = start + i;
      const { about, x0 } = tablePlace(NAME, predictionType, table, step, timestep);
      const alpha = alphasCumprod[timestep]!;
      const alphaNext = step + 1 < steps ? alphasCumprod[timesteps[step + 1]!]! : 1;
      const kept = alpha / alphaNext;
      const beta = 1 - kept;
      const rest = 1 - alpha;
      const small = Math.max(1e-20, ((1 - alphaNext) / rest) * beta);
      return evaluation(
        about,
        [
          combine(
            [(Math.sqrt(alphaNext) * beta) / rest, x0],
            [(Math.sqrt(kept) * (1 - alphaNext)) / rest, { x: 1 }],
            [timestep > 0 ? Math.sqrt(variance === 'fixed_large' ? beta : small) : 0, { n: 1 }],
          ),
        ],
        timestep > 0,
      );
    });
    return { scheduler: NAME, steps, slots: 0, initNoiseSigma: 1, evaluations };
  }

  return { name: NAME, predictionType, trainTimesteps: alphasCumprod.length, plan };
}
