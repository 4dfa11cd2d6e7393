import type { ConfigReader } from '../config.js';
import { combine, type Row } from '../linear-map.js';
import type { Evaluation, PlanOptions, PredictionType, SamplingPlan, Scheduler } from '../plan.js';
import { customLevels } from '../schedule/custom-levels.js';
import { linspace, torchLinspace } from '../schedule/numpy-grid.js';
import type { SigmaSchedule } from '../schedule/sigmas.js';
import { checkSteps, stepRange } from '../schedule/timesteps.js';
import { dpmEvaluations, type DpmSolver } from './exponential-multistep.js';
import { evaluation, type About } from './evaluation.js';

const { fround } = Math;
const EULER = 'EDMEulerScheduler';
const MULTISTEP = 'EDMDPMSolverMultistepScheduler';

/**
 * Euler's method in the formulation of EDM (arXiv 2206.00364), as diffusers 0.39 `scheduling_edm_euler.py` without churn: σ
 * from `sigma_max` down to `sigma_min`, models preconditioned by `sigma_data` and told ln σ / 4.
 */
export function edmEuler(reader: ConfigReader): Scheduler {
  const edm = readEdm(EULER, reader);
  const lay = edm.schedule((steps) => karrasWide(edm.range, [...linspace(0, 1, steps)]));

  function plan(steps: number, options: PlanOptions = {}): SamplingPlan {
    const { timesteps, sigmas } = lay(steps, options);
    const { start, end } = stepRange(EULER, steps, options);
    const evaluations = timesteps.slice(start, end).map((timestep, i): Evaluation => {
      const step = start + i;
      const sigma = sigmas[step]!;
      const ratio = sigmas[step + 1]! / sigma;
      return evaluation(edm.about(step, timestep, sigma), [combine([ratio, { x: 1 }], [1 - ratio, edm.x0(sigma)])]);
    });
    return { scheduler: EULER, steps, slots: 0, initNoiseSigma: edm.initial, evaluations };
  }

  return { ...edm.scheduler, plan };
}

/** DPM-Solver++ multistep in the formulation of EDM, as diffusers 0.39 `scheduling_edm_dpmsolver_multistep.py`. */
export function edmDpmSolverMultistep(reader: ConfigReader): Scheduler {
  const edm = readEdm(MULTISTEP, reader);
  const order = reader.integer('solver_order', 2, 1);
  if (order > 3) reader.fail('solver_order', '1, 2 or 3', order);
  const type = reader.choice('solver_type', ['midpoint', 'heun', 'logrho', 'bh1', 'bh2'], 'midpoint');
  const asked = reader.choice('algorithm_type', ['dpmsolver++', 'sde-dpmsolver++', 'deis'], 'dpmsolver++');
  const algorithm = asked === 'sde-dpmsolver++' ? asked : 'dpmsolver++';
  if (algorithm === 'sde-dpmsolver++' && order === 3) reader.fail('solver_order', '1 or 2 with that algorithm_type', 3);
  reader.refuse('thresholding', (value) => value === false, 'Override it with false.');
  // Computed in float32 there, where Euler's are computed in float64.
  const lay = edm.schedule((steps) => karrasNarrow(edm.range, [...torchLinspace(0, 1, steps)]), edm.range.least);
  const solver: DpmSolver = {
    algorithm,
    order,
    type: type === 'heun' ? 'heun' : 'midpoint',
    lowerOrderFinal: reader.flag('lower_order_final', true),
    eulerAtFinal: reader.flag('euler_at_final', false),
    split: (sigma) => ({ signal: 1, noise: sigma }),
    converted: edm.x0,
    about: edm.about,
  };

  function plan(steps: number, options: PlanOptions = {}): SamplingPlan {
    const schedule = lay(steps, options);
    const evaluations = dpmEvaluations(solver, schedule, stepRange(MULTISTEP, steps, options));
    return { scheduler: MULTISTEP, steps, slots: order - 1, initNoiseSigma: edm.initial, evaluations };
  }

  return { ...edm.scheduler, plan };
}

/** Between which sigmas, and how bent. */
interface EdmRange {
  readonly most: number;
  readonly least: number;
  readonly rho: number;
}

/** Even in σ^(1/ρ), in float64. */
function karrasWide({ most, least, rho }: EdmRange, ramp: readonly number[]): number[] {
  const high = most ** (1 / rho);
  const low = least ** (1 / rho);
  return ramp.map((at) => (high + at * (low - high)) ** rho);
}

/** The same with float32's roundings, which near the least sigma show in the seventh digit. */
function karrasNarrow({ most, least, rho }: EdmRange, ramp: readonly number[]): number[] {
  const high = most ** (1 / rho);
  const low = least ** (1 / rho);
  return ramp.map((at) => fround(fround(fround(high) + fround(at * fround(low - high))) ** rho));
}

/** What both classes read and share. */
function readEdm(name: string, reader: ConfigReader) {
  const predictionType: PredictionType = reader.choice('prediction_type', ['epsilon', 'v_prediction'], 'epsilon');
  const range: EdmRange = {
    most: reader.number('sigma_max', 80),
    least: reader.number('sigma_min', 0.002),
    rho: reader.number('rho', 7),
  };
  const data = reader.number('sigma_data', 0.5);
  const spacing = reader.choice('sigma_schedule', ['karras', 'exponential'], 'karras');
  const final = reader.choice('final_sigmas_type', ['zero', 'sigma_min'], 'zero');
  const trainTimesteps = reader.integer('num_train_timesteps', 1000, 1);

  /** x̂0 = c_skip·x + c_out·m (table 1 of the paper; diffusers' "epsilon" is its F). */
  function x0(sigma: number): Row {
    const variance = sigma * sigma + data * data;
    const output = (sigma * data) / Math.sqrt(variance);
    return { x: (data * data) / variance, m: predictionType === 'epsilon' ? output : -output };
  }

  /** @param end - The last σ under `sigma_min`; absent: the one of the last step, which then goes nowhere. */
  function schedule(karras: (steps: number) => number[], end?: number) {
    return (steps: number, options: PlanOptions): SigmaSchedule => {
      checkSteps(name, steps, trainTimesteps);
      const custom = customLevels(name, steps, options, { timesteps: false, sigmas: true, last: 0 });
      let sigmas: readonly number[];
      if (custom.sigmas) sigmas = custom.sigmas.map(fround);
      else {
        const each = (spacing === 'karras' ? karras(steps) : exponential(range, steps)).map(fround);
        sigmas = [...each, final === 'zero' ? 0 : fround(end ?? each[steps - 1]!)];
      }
      return { sigmas, timesteps: sigmas.slice(0, steps).map((sigma) => fround(0.25 * fround(Math.log(sigma)))) };
    };
  }

  function about(step: number, timestep: number, sigma: number): About {
    const clean = x0(sigma);
    return {
      step,
      timestep,
      inputScale: 1 / Math.sqrt(sigma * sigma + data * data),
      sigma,
      denoised: { sample: clean.x!, output: clean.m! },
      noising: { signal: 1, noise: sigma },
    };
  }

  return {
    range,
    x0,
    schedule,
    about,
    initial: Math.sqrt(range.most * range.most + 1),
    scheduler: { name, predictionType, trainTimesteps, timestepUnit: 'log-sigma' as const },
  };
}

/** Even in ln σ, in float32 as torch counts it: one step alone begins at the least sigma. */
function exponential({ most, least }: EdmRange, steps: number): number[] {
  return [...torchLinspace(Math.log(least), Math.log(most), steps)].map((log) => fround(Math.exp(log))).reverse();
}
