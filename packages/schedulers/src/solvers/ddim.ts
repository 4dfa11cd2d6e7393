import type { ConfigReader } from '../config.js';
import { combine } from '../linear-map.js';
import type { Evaluation, PlanOptions, PredictionType, SamplingPlan, Scheduler } from '../plan.js';
import { buildNoiseTable } from '../schedule/noise-table.js';
import { checkEta, stepRange } from '../schedule/timesteps.js';
import { tablePlace, tableTimesteps } from './table-place.js';
import { evaluation } from './evaluation.js';

const NAME = 'DDIMScheduler';
const PREDICTIONS: readonly PredictionType[] = ['epsilon', 'sample', 'v_prediction'];

/**
 * DDIM (arXiv 2010.02502, eq. 12 and 16), as diffusers 0.39 `schedulers/scheduling_ddim.py`: no history; `eta` above 0
 * injects noise.
 */
export function ddim(reader: ConfigReader): Scheduler {
  const predictionType = reader.choice('prediction_type', PREDICTIONS, 'epsilon');
  reader.refuseClipping(true);
  const table = buildNoiseTable(reader);
  const { alphasCumprod } = table;
  const trainTimesteps = alphasCumprod.length;
  const timestepsOf = tableTimesteps(NAME, reader, table);
  // Past the last step: no noise at all, or the least of training.
  const finalAlpha = reader.flag('set_alpha_to_one', true) ? 1 : alphasCumprod[0]!;

  function plan(steps: number, options: PlanOptions = {}): SamplingPlan {
    const timesteps = timestepsOf(steps, options);
    const { start, end } = stepRange(NAME, steps, options);
    const eta = checkEta(NAME, options.eta ?? 0);
    // diffusers steps back by this, whatever the spacing: with linspace and trailing the target is not always the
    // next timestep, and that is kept. Custom timesteps lead each to the next.
    const stride = Math.floor(trainTimesteps / steps);
    const nextOf = (step: number): number =>
      options.timesteps ? (timesteps[step + 1] ?? -1) : timesteps[step]! - stride;

    const evaluate = (timestep: number, step: number): Evaluation => {
      const { about, x0, epsilon } = tablePlace(NAME, predictionType, table, step, timestep);
      const alpha = alphasCumprod[timestep]!;
      const next = nextOf(step);
      const alphaNext = next >= 0 ? alphasCumprod[next]! : finalAlpha;
      const deviation = eta * Math.sqrt(((1 - alphaNext) / (1 - alpha)) * (1 - alpha / alphaNext));
      const towardsNoise = Math.sqrt(Math.max(0, 1 - alphaNext - deviation * deviation));
      return evaluation(
        about,
        [combine([Math.sqrt(alphaNext), x0], [towardsNoise, epsilon], [deviation, { n: 1 }])],
        eta > 0,
      );
    };

    const evaluations = timesteps.slice(start, end).map((timestep, i) => evaluate(timestep, start + i));
    return { scheduler: NAME, steps, slots: 0, initNoiseSigma: 1, evaluations };
  }

  return { name: NAME, predictionType, trainTimesteps, plan };
}
