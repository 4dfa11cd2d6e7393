import { combine, slotRow, type Row } from '../linear-map.js';
import type { Evaluation } from '../plan.js';
import type { SigmaSchedule } from '../schedule/sigmas.js';
import { evaluation, type About } from './evaluation.js';

/** What is extrapolated: x̂0 (`++`) or ε̂; and whether as an ODE or with the noise of the reverse SDE. */
export type DpmAlgorithm = 'dpmsolver' | 'dpmsolver++' | 'sde-dpmsolver' | 'sde-dpmsolver++';

/** Below this many steps `lower_order_final` lowers the order of the last ones. */
const FEW_STEPS = 15;

/** How one class of the DPM-Solver family steps. */
export interface DpmSolver {
  readonly algorithm: DpmAlgorithm;
  /** 1 to 3. */
  readonly order: number;
  /** Second-order steps: the slope weighted by half the step (midpoint) or by its exact integral (heun). */
  readonly type: 'midpoint' | 'heun';
  readonly lowerOrderFinal: boolean;
  readonly eulerAtFinal: boolean;
  /** Signal and noise of latents at σ. */
  readonly split: (sigma: number) => { readonly signal: number; readonly noise: number };
  /** What is extrapolated, as multiples of the latents and the output. */
  readonly converted: (sigma: number) => Row;
  /** All else about an evaluation. */
  readonly about: (step: number, timestep: number, sigma: number) => About;
}

/**
 * The evaluations of multistep DPM-Solver and DPM-Solver++ (arXiv 2206.00927, 2211.01095), as diffusers 0.39 has them. Planes
 * 1 … order − 1 keep the predictions before the newest, newest first.
 */
export function dpmEvaluations(
  solver: DpmSolver,
  { timesteps, sigmas }: SigmaSchedule,
  { start, end }: { readonly start: number; readonly end: number },
): Evaluation[] {
  const { order, lowerOrderFinal, eulerAtFinal } = solver;
  const count = timesteps.length;
  const slots = order - 1;
  const orderAt = (step: number): number => {
    const few = lowerOrderFinal && count < FEW_STEPS;
    // λ is infinite at σ = 0: only a first-order step ends there.
    if (step === count - 1 && (eulerAtFinal || few || sigmas[count] === 0)) return 1;
    const most = step === count - 2 && few ? 2 : order;
    return Math.min(most, order, step - start + 1);
  };
  return timesteps.slice(start, end).map((timestep, i): Evaluation => {
    const step = start + i;
    const newest = solver.converted(sigmas[step]!);
    const kept = [newest, ...Array.from({ length: slots }, (_, slot) => slotRow(slot))];
    const weights = stepWeights(solver, sigmas, step, orderAt(step));
    return evaluation(
      solver.about(step, timestep, sigmas[step]!),
      [
        combine([weights.sample, { x: 1 }], ...weights.outputs.map((weight, k) => [weight, kept[k]!] as const), [
          weights.noise,
          { n: 1 },
        ]),
        ...kept.slice(0, slots),
      ],
      solver.algorithm.startsWith('sde'),
    );
  });
}

/** A step as multiples of the sample, of the predictions (newest first) and of fresh noise. */
interface StepWeights {
  readonly sample: number;
  readonly outputs: readonly number[];
  readonly noise: number;
}

/**
 * x at σ[step + 1] from x at σ[step]: the exact solution for a prediction that is a polynomial in λ = ln(signal / noise)
 * of degree `order − 1` through the last ones.
 */
function stepWeights(
  { algorithm, type, split }: DpmSolver,
  sigmas: readonly number[],
  step: number,
  order: number,
): StepWeights {
  const from = split(sigmas[step]!);
  const to = split(sigmas[step + 1]!);
  // ln signal cancels in every difference that is taken where signal is 1, and is in σ where it is not.
  const lambda = (index: number): number => -Math.log(sigmas[index]!);
  const h = lambda(step + 1) - lambda(step);
  // A step from a level to itself, where a schedule ends at its own last sigma.
  if (h === 0) return { sample: 1, outputs: [0], noise: 0 };
  const stochastic = algorithm.startsWith('sde');
  const kind = algorithm.endsWith('++') ? clean(from, to, h, stochastic) : noisy(from, to, h, stochastic);
  const { sample, noise, zeroth } = kind;
  if (order === 1) return { sample, noise, outputs: [zeroth] };

  const r0 = (lambda(step) - lambda(step - 1)) / h;
  if (order === 2) {
    // D1 = (m − m′) / r0.
    const slope = (type === 'heun' ? kind.first : zeroth / 2) / r0;
    return { sample, noise, outputs: [zeroth + slope, -slope] };
  }
  const r1 = (lambda(step - 1) - lambda(step - 2)) / h;
  // First and second differences as multiples of [m, m′, m″].
  const near = [1 / r0, -1 / r0, 0];
  const far = [0, 1 / r1, -1 / r1];
  const outputs = near.map((value, i) => {
    const bend = value - far[i]!;
    const difference = value + (r0 / (r0 + r1)) * bend;
    return (i === 0 ? zeroth : 0) + kind.first * difference + (kind.second * bend) / (r0 + r1);
  });
  return { sample, noise, outputs };
}

/** Weights of the sample, of the noise, and of the prediction's value, first and second difference. */
interface Integrals {
  readonly sample: number;
  readonly noise: number;
  readonly zeroth: number;
  readonly first: number;
  readonly second: number;
}

interface Level {
  readonly signal: number;
  readonly noise: number;
}

/** For predictions of x̂0. The SDE decays twice as fast; its third-order weight is diffusers' own. */
function clean(from: Level, to: Level, h: number, stochastic: boolean): Integrals {
  const rate = stochastic ? 2 * h : h;
  const decay = -Math.expm1(-rate);
  return {
    sample: (to.noise / from.noise) * (stochastic ? Math.exp(-h) : 1),
    noise: stochastic ? to.noise * Math.sqrt(decay) : 0,
    zeroth: to.signal * decay,
    first: to.signal * (1 - decay / rate),
    second: to.signal * ((decay - rate) / (rate * rate) + (stochastic ? -0.5 : 0.5)),
  };
}

/** For predictions of ε̂. */
function noisy(from: Level, to: Level, h: number, stochastic: boolean): Integrals {
  const growth = Math.expm1(h);
  const twice = stochastic ? 2 : 1;
  return {
    sample: to.signal / from.signal,
    noise: stochastic ? to.noise * Math.sqrt(Math.expm1(2 * h)) : 0,
    zeroth: -twice * to.noise * growth,
    first: -twice * to.noise * (growth / h - 1),
    second: -to.noise * ((growth - h) / (h * h) - 0.5),
  };
}
