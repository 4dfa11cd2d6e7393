import type { ConfigReader } from './config.js';
import { SchedulerError } from './errors.js';
import { linearMap } from './linear-map.js';
import { alphaAt, buildNoiseTable } from './noise-table.js';
import { roundHalfToEven } from './numpy-grid.js';
import type { Evaluation, PlanOptions, PredictionType, SamplingPlan, Scheduler } from './plan.js';
import { denoisedFromScaled } from './prediction.js';
import { checkSteps, spacedTimesteps, stepRange, TIMESTEP_SPACINGS } from './timesteps.js';

const NAME = 'DDIMScheduler';
const PREDICTIONS: readonly PredictionType[] = ['epsilon', 'sample', 'v_prediction'];

/**
 * DDIM (arXiv 2010.02502, eq. 12 and 16), as diffusers 0.39 `schedulers/scheduling_ddim.py`: no history; `eta` above 0
 * injects noise.
 */
export function ddim(reader: ConfigReader): Scheduler {
  const predictionType = reader.choice('prediction_type', PREDICTIONS, 'epsilon');
  const spacing = reader.choice('timestep_spacing', TIMESTEP_SPACINGS, 'leading');
  const stepsOffset = reader.integer('steps_offset', 0);
  reader.refuseClipping(true);
  const table = buildNoiseTable(reader);
  const { alphasCumprod, sigmas } = table;
  const trainTimesteps = alphasCumprod.length;
  // Past the last step: no noise at all, or the least of training.
  const finalAlpha = reader.flag('set_alpha_to_one', true) ? 1 : alphasCumprod[0]!;

  function plan(steps: number, options: PlanOptions = {}): SamplingPlan {
    checkSteps(NAME, steps, trainTimesteps);
    const { start, end } = stepRange(NAME, steps, options);
    const eta = options.eta ?? 0;
    if (!(eta >= 0)) {
      throw new SchedulerError('scheduler/steps', `${NAME}: expected eta of at least 0, got ${eta}. Use 0 to 1.`);
    }
    // diffusers steps back by this, whatever the spacing: with linspace and trailing the target is not always the
    // next timestep, and that is kept.
    const stride = Math.floor(trainTimesteps / steps);
    const timesteps = spacedTimesteps(spacing, steps, trainTimesteps, stepsOffset).map(roundHalfToEven);

    const evaluate = (timestep: number, step: number): Evaluation => {
      const alpha = alphaAt(NAME, table, timestep);
      const alphaNext = timestep - stride >= 0 ? alphasCumprod[timestep - stride]! : finalAlpha;
      const signal = Math.sqrt(alpha);
      const noise = Math.sqrt(1 - alpha);
      if (signal === 0 && predictionType === 'epsilon') {
        throw new SchedulerError(
          'scheduler/unsupported',
          `${NAME}: expected some signal at timestep ${timestep}, got none (rescale_betas_zero_snr with ` +
            'prediction_type "epsilon"). Such a schedule needs a v_prediction model.',
        );
      }
      const x0 = denoisedFromScaled(predictionType, signal, noise);
      // ε from x = signal·x0 + noise·ε; given directly by an epsilon model, which also spares a cancellation.
      const eps =
        predictionType === 'epsilon' ? { x: 0, m: 1 } : { x: (1 - signal * x0.x) / noise, m: (-signal * x0.m) / noise };
      const deviation = eta * Math.sqrt(((1 - alphaNext) / (1 - alpha)) * (1 - alpha / alphaNext));
      const towardsSample = Math.sqrt(alphaNext);
      const towardsNoise = Math.sqrt(Math.max(0, 1 - alphaNext - deviation * deviation));
      return {
        step,
        timestep,
        inputScale: 1,
        sigma: sigmas[timestep]!,
        coefficients: linearMap(0, [
          {
            x: towardsSample * x0.x + towardsNoise * eps.x,
            m: towardsSample * x0.m + towardsNoise * eps.m,
            n: deviation,
          },
        ]),
        drawsNoise: eta > 0,
        denoised: { sample: x0.x, output: x0.m },
        noising: { signal, noise },
      };
    };

    const evaluations = timesteps.slice(start, end).map((timestep, i) => evaluate(timestep, start + i));
    return { scheduler: NAME, steps, slots: 0, initNoiseSigma: 1, evaluations };
  }

  return { name: NAME, predictionType, trainTimesteps, plan };
}
