import type { ConfigReader } from './config.js';
import { SchedulerError } from './errors.js';
import { linearMap, type Row } from './linear-map.js';
import { buildNoiseTable, ZERO_SNR_FLOOR } from './noise-table.js';
import { interpolateTable, linspace, roundHalfToEven } from './numpy-grid.js';
import type { Evaluation, PlanOptions, PredictionType, SamplingPlan, Scheduler } from './plan.js';
import { denoisedFromScaled } from './prediction.js';
import { finalSigma, karrasSigmas, refuseOtherSigmas, timestepOfSigma } from './sigmas.js';
import { checkSteps, stepRange, TIMESTEP_SPACINGS, trailingTimesteps } from './timesteps.js';

const { fround } = Math;
const NAME = 'DPMSolverMultistepScheduler';
const PREDICTIONS: readonly PredictionType[] = ['epsilon', 'sample', 'v_prediction'];

/** Below this many steps `lower_order_final` lowers the order of the last ones. */
const FEW_STEPS = 15;

/**
 * DPM-Solver++ multistep of order 1, 2 (midpoint or heun) or 3 (arXiv 2211.01095), as diffusers 0.39
 * `scheduling_dpmsolver_multistep.py` with `algorithm_type` "dpmsolver++"; "DPM++ 2M" is order 2.
 *
 * Keeps the last `order − 1` predictions of x̂0 in planes 1 … order − 1, newest first.
 */
export function dpmSolverMultistep(reader: ConfigReader): Scheduler {
  const predictionType = reader.choice('prediction_type', PREDICTIONS, 'epsilon');
  const spacing = reader.choice('timestep_spacing', TIMESTEP_SPACINGS, 'linspace');
  const stepsOffset = reader.integer('steps_offset', 0);
  const order = reader.integer('solver_order', 2, 1);
  if (order > 3) reader.fail('solver_order', '1, 2 or 3', order);
  // Words of other solvers stand for the default, so that their configurations carry over.
  const solver = reader.choice('solver_type', ['midpoint', 'heun', 'logrho', 'bh1', 'bh2'], 'midpoint');
  reader.refuse(
    'algorithm_type',
    (value) => value === 'dpmsolver++' || value === 'deis',
    'Override it with "dpmsolver++".',
  );
  reader.refuse('variance_type', () => false, 'Models that also predict a variance are not run here.');
  reader.refuse(
    'thresholding',
    (value) => value === false,
    'Latent models are used without it: override it with false.',
  );
  reader.refuse('use_dynamic_shifting', (value) => value === false, 'It belongs to flow-matching models.');
  refuseOtherSigmas(reader);
  const karras = reader.flag('use_karras_sigmas', false);
  const lowerOrderFinal = reader.flag('lower_order_final', true);
  const eulerAtFinal = reader.flag('euler_at_final', false);
  const final = reader.choice('final_sigmas_type', ['zero', 'sigma_min'], 'zero');
  const lambdaMin = reader.number('lambda_min_clipped', -Infinity);
  const wholeTimesteps = reader.choice('beta_schedule', ['linear', 'scaled_linear', 'squaredcos_cap_v2'], 'linear');
  const table = buildNoiseTable(reader, { zeroSnrFloor: ZERO_SNR_FLOOR });
  const trainTimesteps = table.sigmas.length;
  const usableTimesteps = countAboveLambda(table.alphasCumprod, lambdaMin);
  const slots = order - 1;

  function schedule(steps: number): { timesteps: number[]; sigmas: number[] } {
    let timesteps: number[];
    let sigmas: number[];
    if (karras) {
      sigmas = karrasSigmas(reader, table.sigmas[trainTimesteps - 1]!, table.sigmas[0]!, steps);
      timesteps = sigmas.map(timestepOfSigma(table));
      if (wholeTimesteps !== 'squaredcos_cap_v2') timesteps = timesteps.map(roundHalfToEven);
    } else {
      timesteps = spaced(steps);
      sigmas = timesteps.map((timestep) => interpolateTable(timestep, table.sigmas));
    }
    return {
      // Stored as whole numbers in diffusers, cut towards zero.
      timesteps: timesteps.map(Math.trunc),
      sigmas: [...sigmas, finalSigma(final, table)].map(fround),
    };
  }

  /** The three spacings as this scheduler has them: one step more is laid out, and the last left away. */
  function spaced(steps: number): number[] {
    switch (spacing) {
      case 'linspace':
        return [...linspace(0, usableTimesteps - 1, steps + 1)].map(roundHalfToEven).reverse().slice(0, -1);
      case 'leading': {
        const ratio = Math.floor(usableTimesteps / (steps + 1));
        return Array.from({ length: steps }, (_, i) => (steps - i) * ratio + stepsOffset);
      }
      case 'trailing':
        return trailingTimesteps(usableTimesteps, trainTimesteps, steps);
    }
  }

  function plan(steps: number, options: PlanOptions = {}): SamplingPlan {
    checkSteps(NAME, steps, trainTimesteps);
    const { timesteps, sigmas } = schedule(steps);
    const count = timesteps.length;
    const { start, end } = stepRange(NAME, count, { startStep: options.startStep, endStep: options.endStep ?? count });

    const orderAt = (step: number): number => {
      const few = lowerOrderFinal && count < FEW_STEPS;
      if (step === count - 1 && (eulerAtFinal || few || final === 'zero')) return 1;
      const most = step === count - 2 && few ? 2 : order;
      return Math.min(most, order, step - start + 1);
    };

    const evaluations = timesteps.slice(start, end).map((timestep, i): Evaluation => {
      const step = start + i;
      const { signal, noise } = split(sigmas[step]!);
      const x0 = denoisedFromScaled(predictionType, signal, noise);
      const next = stepOfOrder(orderAt(step), sigmas, step, solver === 'heun');
      const shift: Row[] = Array.from({ length: slots }, (_, slot) =>
        slot === 0 ? { x: x0.x, m: x0.m } : { slots: unit(slot - 1) },
      );
      return {
        step,
        timestep,
        inputScale: 1,
        sigma: sigmas[step]!,
        coefficients: linearMap(slots, [
          { x: next.sample + next.x0 * x0.x, m: next.x0 * x0.m, slots: next.history },
          ...shift,
        ]),
        drawsNoise: false,
        denoised: { sample: x0.x, output: x0.m },
        noising: { signal, noise },
      };
    });
    return { scheduler: NAME, steps: count, slots, initNoiseSigma: 1, evaluations };
  }

  return { name: NAME, predictionType, trainTimesteps, plan };
}

/** Signal and noise of variance-preserving latents at σ. */
function split(sigma: number): { signal: number; noise: number } {
  const signal = 1 / Math.sqrt(sigma * sigma + 1);
  return { signal, noise: sigma * signal };
}

/** `[0, …, 1]` with the 1 at `index`. */
function unit(index: number): number[] {
  return [...Array.from({ length: index }, () => 0), 1];
}

/** A solver step as multiples of the sample, the newest x̂0 and the x̂0s before it (newest first). */
interface SolverStep {
  readonly sample: number;
  readonly x0: number;
  readonly history: readonly number[];
}

/**
 * x at σ[step + 1] from x at σ[step]: the exact solution for x̂0 extrapolated in λ = −ln σ by a polynomial of degree
 * `order − 1` (arXiv 2211.01095, §4). With h = λ_t − λ_s, `x_t = (noise_t / noise_s)·x + signal_t·(weights of x̂0)`.
 */
function stepOfOrder(order: number, sigmas: readonly number[], step: number, heun: boolean): SolverStep {
  const from = split(sigmas[step]!);
  const to = split(sigmas[step + 1]!);
  // λ = ln(signal / noise); +∞ at the end, where only first order is ever asked for and e^-h is 0.
  const lambda = (index: number): number => -Math.log(sigmas[index]!);
  const h = lambda(step + 1) - lambda(step);
  const decay = -Math.expm1(-h);
  const sample = to.noise / from.noise;
  if (order === 1) return { sample, x0: to.signal * decay, history: [] };

  const r0 = (lambda(step) - lambda(step - 1)) / h;
  if (order === 2) {
    // D1 = (x̂0 − x̂0′) / r0, weighted by half the step (midpoint) or by its exact integral (heun).
    const slope = (to.signal * (heun ? 1 - decay / h : decay / 2)) / r0;
    return { sample, x0: to.signal * decay + slope, history: [-slope] };
  }

  const r1 = (lambda(step - 1) - lambda(step - 2)) / h;
  // First and second differences as multiples of [x̂0, x̂0′, x̂0″].
  const near = [1 / r0, -1 / r0, 0];
  const far = [0, 1 / r1, -1 / r1];
  const bend = near.map((value, i) => value - far[i]!);
  const weightSlope = to.signal * (1 - decay / h);
  const weightBend = to.signal * ((h - decay) / (h * h) - 0.5);
  const weights = near.map(
    (value, i) => weightSlope * (value + (r0 / (r0 + r1)) * bend[i]!) - (weightBend * bend[i]!) / (r0 + r1),
  );
  return { sample, x0: to.signal * decay + weights[0]!, history: [weights[1]!, weights[2]!] };
}

/** How many timesteps have λ of at least `lambdaMin`, counted from the cleanest. */
function countAboveLambda(alphasCumprod: Float32Array, lambdaMin: number): number {
  if (lambdaMin === -Infinity) return alphasCumprod.length;
  let count = 0;
  for (const alpha of alphasCumprod) {
    const lambda = fround(
      fround(Math.log(fround(Math.sqrt(alpha)))) - fround(Math.log(fround(Math.sqrt(fround(1 - alpha))))),
    );
    if (lambda >= lambdaMin) count++;
  }
  if (count < 2) {
    throw new SchedulerError(
      'scheduler/config',
      `${NAME}: expected "lambda_min_clipped" below the schedule's range, got ${lambdaMin}, which leaves ${count} ` +
        'timesteps. Use -5.1, the usual value for cosine schedules.',
    );
  }
  return count;
}
