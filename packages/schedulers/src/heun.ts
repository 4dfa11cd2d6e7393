import type { ConfigReader } from './config.js';
import { linearMap } from './linear-map.js';
import { buildNoiseTable } from './noise-table.js';
import { interpolateTable } from './numpy-grid.js';
import type { Evaluation, PlanOptions, SamplingPlan, Scheduler } from './plan.js';
import { denoisedFromSigma } from './prediction.js';
import { initialSigma, karrasSigmas, refuseOtherSigmas, timestepOfSigma } from './sigmas.js';
import { checkSteps, spacedTimesteps, stepRange, TIMESTEP_SPACINGS } from './timesteps.js';

const { fround } = Math;
const NAME = 'HeunDiscreteScheduler';

/** Planes: the sample a step began with, and the slope there. */
const SLOTS = 2;

/**
 * Heun's second-order method (arXiv 2206.00364, algorithm 1), as diffusers 0.39 `scheduling_heun_discrete.py`: every
 * step but the last evaluates the model twice, at the sample and at Euler's guess of the next one, and goes by the mean
 * of both slopes.
 */
export function heun(reader: ConfigReader): Scheduler {
  const predictionType = reader.choice('prediction_type', ['epsilon', 'v_prediction', 'sample'], 'epsilon');
  const spacing = reader.choice('timestep_spacing', TIMESTEP_SPACINGS, 'linspace');
  const stepsOffset = reader.integer('steps_offset', 0);
  const karras = reader.flag('use_karras_sigmas', false);
  reader.refuseClipping(false);
  refuseOtherSigmas(reader);
  const table = buildNoiseTable(reader, { rescales: false, betaRange: [0.00085, 0.012] });
  const trainTimesteps = table.sigmas.length;

  function schedule(steps: number): { timesteps: number[]; sigmas: number[] } {
    let timesteps = spacedTimesteps(spacing, steps, trainTimesteps, stepsOffset).map(fround);
    let sigmas = timesteps.map((timestep) => interpolateTable(timestep, table.sigmas));
    if (karras) {
      sigmas = karrasSigmas(reader, sigmas[0]!, sigmas[sigmas.length - 1]!, steps);
      timesteps = sigmas.map(timestepOfSigma(table)).map(fround);
    }
    return { timesteps, sigmas: [...sigmas, 0].map(fround) };
  }

  function plan(steps: number, options: PlanOptions = {}): SamplingPlan {
    checkSteps(NAME, steps, trainTimesteps);
    const { start, end } = stepRange(NAME, steps, options);
    const { timesteps, sigmas } = schedule(steps);

    /** The slope (x − x̂0)/σ where σ is that of step `at`, as multiples of x and m; and all that describes the place. */
    const place = (step: number, at: number) => {
      const sigma = sigmas[at]!;
      const x0 = denoisedFromSigma(predictionType, sigma);
      return {
        slope: { x: (1 - x0.x) / sigma, m: -x0.m / sigma },
        about: {
          step,
          timestep: timesteps[at]!,
          inputScale: 1 / Math.sqrt(sigma * sigma + 1),
          sigma,
          drawsNoise: false,
          denoised: { sample: x0.x, output: x0.m },
          noising: { signal: 1, noise: sigma },
        },
      };
    };

    const evaluations: Evaluation[] = [];
    for (let step = start; step < end; step++) {
      const length = sigmas[step + 1]! - sigmas[step]!;
      const { slope, about } = place(step, step);
      evaluations.push({
        ...about,
        coefficients: linearMap(SLOTS, [{ x: 1 + slope.x * length, m: slope.m * length }, { x: 1 }, slope]),
      });
      // No slope can be had at σ = 0: the last step is Euler's.
      if (sigmas[step + 1] === 0) continue;
      const guess = place(step, step + 1);
      const half = length / 2;
      evaluations.push({
        ...guess.about,
        coefficients: linearMap(SLOTS, [
          { x: guess.slope.x * half, m: guess.slope.m * half, slots: [1, half] },
          { slots: [1] },
          { slots: [0, 1] },
        ]),
      });
    }
    return { scheduler: NAME, steps, slots: SLOTS, initNoiseSigma: initialSigma(spacing, sigmas), evaluations };
  }

  return { name: NAME, predictionType, trainTimesteps, plan };
}
