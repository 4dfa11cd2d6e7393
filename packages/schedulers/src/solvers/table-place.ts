import type { ConfigReader } from '../config.js';
import { SchedulerError } from '../errors.js';
import { combine, type Row } from '../linear-map.js';
import type { PlanOptions, PredictionType } from '../plan.js';
import { customLevels } from '../schedule/custom-levels.js';
import { alphaAt, type NoiseTable } from '../schedule/noise-table.js';
import { roundHalfToEven } from '../schedule/numpy-grid.js';
import { denoisedFromScaled } from '../schedule/prediction.js';
import { checkSteps, spacedTimesteps, TIMESTEP_SPACINGS } from '../schedule/timesteps.js';
import type { About } from './evaluation.js';

/** What holds at a training timestep, when latents are signal·x0 + noise·ε. */
export interface TablePlace {
  readonly x0: Row;
  readonly epsilon: Row;
  /** All of an evaluation but its update and whether it draws noise. */
  readonly about: About;
}

/**
 * Describes an evaluation at a whole training timestep.
 *
 * @throws SchedulerError `scheduler/unsupported` for an epsilon model where no signal is left, `scheduler/steps` past the
 *   end of the table.
 */
export function tablePlace(
  scheduler: string,
  prediction: PredictionType,
  table: NoiseTable,
  step: number,
  timestep: number,
): TablePlace {
  const alpha = alphaAt(scheduler, table, timestep);
  const signal = Math.sqrt(alpha);
  const noise = Math.sqrt(1 - alpha);
  if (signal === 0 && prediction === 'epsilon') {
    throw new SchedulerError(
      'scheduler/unsupported',
      `${scheduler}: expected some signal at timestep ${timestep}, got none (rescale_betas_zero_snr with ` +
        'prediction_type "epsilon"). Such a schedule needs a v_prediction model.',
    );
  }
  const x0 = denoisedFromScaled(prediction, signal, noise);
  return {
    x0,
    // ε from x = signal·x0 + noise·ε; given directly by an epsilon model, which also spares a cancellation.
    epsilon: prediction === 'epsilon' ? { m: 1 } : combine([1 / noise, { x: 1 }], [-signal / noise, x0]),
    about: {
      step,
      timestep,
      inputScale: 1,
      sigma: table.sigmas[timestep]!,
      denoised: { sample: x0.x, output: x0.m },
      noising: { signal, noise },
    },
  };
}

/** Reads `timestep_spacing` and `steps_offset` as DDIM and DDPM do: whole timesteps, or the caller's own. */
export function tableTimesteps(
  name: string,
  reader: ConfigReader,
  table: NoiseTable,
): (steps: number, options: PlanOptions) => number[] {
  const spacing = reader.choice('timestep_spacing', TIMESTEP_SPACINGS, 'leading');
  const stepsOffset = reader.integer('steps_offset', 0);
  const trainTimesteps = table.sigmas.length;
  return (steps, options) => {
    checkSteps(name, steps, trainTimesteps);
    const custom = customLevels(name, steps, options, { timesteps: true, sigmas: false, last: trainTimesteps - 1 });
    if (custom.timesteps) return custom.timesteps.map(Math.trunc);
    return spacedTimesteps(spacing, steps, trainTimesteps, stepsOffset).map(roundHalfToEven);
  };
}
