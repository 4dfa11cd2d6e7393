import type { ConfigReader } from './config.js';
import { linearMap } from './linear-map.js';
import { buildNoiseTable, ZERO_SNR_FLOOR, type NoiseTable } from './noise-table.js';
import { interpolateTable, linspace } from './numpy-grid.js';
import type { Evaluation, PlanOptions, PredictionType, SamplingPlan, Scheduler } from './plan.js';
import { denoisedFromSigma } from './prediction.js';
import { finalSigma, initialSigma, karrasSigmas, refuseOtherSigmas, timestepOfSigma } from './sigmas.js';
import { checkSteps, spacedTimesteps, stepRange, TIMESTEP_SPACINGS } from './timesteps.js';

const { fround } = Math;
const NAME = 'EulerDiscreteScheduler';
const ANCESTRAL_NAME = 'EulerAncestralDiscreteScheduler';

/** Euler's method on the probability-flow ODE (arXiv 2206.00364), as diffusers 0.39 `scheduling_euler_discrete.py`. */
export function euler(reader: ConfigReader): Scheduler {
  const predictionType = reader.choice('prediction_type', ['epsilon', 'v_prediction', 'sample'], 'epsilon');
  const spacing = reader.choice('timestep_spacing', TIMESTEP_SPACINGS, 'linspace');
  const stepsOffset = reader.integer('steps_offset', 0);
  const interpolation = reader.choice('interpolation_type', ['linear', 'log_linear'], 'linear');
  const final = reader.choice('final_sigmas_type', ['zero', 'sigma_min'], 'zero');
  const continuous = reader.choice('timestep_type', ['discrete', 'continuous'], 'discrete') === 'continuous';
  const karras = reader.flag('use_karras_sigmas', false);
  refuseOtherSigmas(reader);
  const table = buildNoiseTable(reader, { zeroSnrFloor: ZERO_SNR_FLOOR });
  const trainTimesteps = table.sigmas.length;

  function schedule(steps: number): { timesteps: number[]; sigmas: number[] } {
    let timesteps = spacedTimesteps(spacing, steps, trainTimesteps, stepsOffset).map(fround);
    let sigmas =
      interpolation === 'linear'
        ? timesteps.map((timestep) => interpolateTable(timestep, table.sigmas))
        : logLinearSigmas(table, steps);
    if (karras) {
      sigmas = karrasSigmas(reader, sigmas[0]!, sigmas[sigmas.length - 1]!, steps);
      timesteps = sigmas.map(timestepOfSigma(table)).map(fround);
    }
    sigmas = [...sigmas, finalSigma(final, table)].map(fround);
    // Models conditioned on noise itself (EDM style) are told ln σ / 4.
    if (continuous && predictionType === 'v_prediction') {
      timesteps = sigmas.slice(0, -1).map((sigma) => fround(0.25 * fround(Math.log(sigma))));
    }
    return { timesteps, sigmas };
  }

  function plan(steps: number, options: PlanOptions = {}): SamplingPlan {
    checkSteps(NAME, steps, trainTimesteps);
    const { start, end } = stepRange(NAME, steps, options);
    const { timesteps, sigmas } = schedule(steps);
    const evaluations = timesteps.slice(start, end).map((timestep, i): Evaluation => {
      const step = start + i;
      const sigma = sigmas[step]!;
      return eulerEvaluation(predictionType, step, timestep, sigma, sigmas[step + 1]!);
    });
    return { scheduler: NAME, steps, slots: 0, initNoiseSigma: initialSigma(spacing, sigmas), evaluations };
  }

  return { name: NAME, predictionType, trainTimesteps, plan };
}

/**
 * Euler steps with part of each step's noise replaced by fresh noise, as diffusers 0.39
 * `scheduling_euler_ancestral_discrete.py`. It has no Karras sigmas there, and ignores the key.
 */
export function eulerAncestral(reader: ConfigReader): Scheduler {
  const predictionType = reader.choice('prediction_type', ['epsilon', 'v_prediction'], 'epsilon');
  const spacing = reader.choice('timestep_spacing', TIMESTEP_SPACINGS, 'linspace');
  const stepsOffset = reader.integer('steps_offset', 0);
  const table = buildNoiseTable(reader, { zeroSnrFloor: ZERO_SNR_FLOOR });
  const trainTimesteps = table.sigmas.length;

  function plan(steps: number, options: PlanOptions = {}): SamplingPlan {
    checkSteps(ANCESTRAL_NAME, steps, trainTimesteps);
    const { start, end } = stepRange(ANCESTRAL_NAME, steps, options);
    const timesteps = spacedTimesteps(spacing, steps, trainTimesteps, stepsOffset).map(fround);
    const sigmas = [...timesteps.map((timestep) => interpolateTable(timestep, table.sigmas)), 0].map(fround);
    const evaluations = timesteps.slice(start, end).map((timestep, i): Evaluation => {
      const step = start + i;
      const from = sigmas[step]!;
      const to = sigmas[step + 1]!;
      // Variances: to² = down² + up², the Euler step ending at down and noise of deviation up added (DDPM's split).
      const up = Math.sqrt((to * to * (from * from - to * to)) / (from * from));
      const down = Math.sqrt(to * to - up * up);
      return eulerEvaluation(predictionType, step, timestep, from, down, up);
    });
    return { scheduler: ANCESTRAL_NAME, steps, slots: 0, initNoiseSigma: initialSigma(spacing, sigmas), evaluations };
  }

  return { name: ANCESTRAL_NAME, predictionType, trainTimesteps, plan };
}

/** One Euler step from σ `from` to `to`: `x + (x − x̂0)·(to − from)/from`, plus `added` times fresh noise if given. */
function eulerEvaluation(
  prediction: PredictionType,
  step: number,
  timestep: number,
  from: number,
  to: number,
  added?: number,
): Evaluation {
  const x0 = denoisedFromSigma(prediction, from);
  const ratio = (to - from) / from;
  return {
    step,
    timestep,
    inputScale: 1 / Math.sqrt(from * from + 1),
    sigma: from,
    // epsilon: x + m·(to − from), without the detour over x̂0.
    coefficients: linearMap(0, [{ x: 1 + (1 - x0.x) * ratio, m: -x0.m * ratio, n: added }]),
    drawsNoise: added !== undefined,
    denoised: { sample: x0.x, output: x0.m },
    noising: { signal: 1, noise: from },
  };
}

/** `interpolation_type` log_linear: even in log σ over the whole of training, whatever the spacing. */
function logLinearSigmas(table: NoiseTable, steps: number): number[] {
  const top = Math.log(table.sigmas[table.sigmas.length - 1]!);
  const bottom = Math.log(table.sigmas[0]!);
  // One more than there are steps, as diffusers has it; the last is a step's end.
  return [...linspace(top, bottom, steps + 1)].map(Math.exp);
}
