import type { ConfigReader } from '../config.js';
import { combine, slotRow, type Row } from '../linear-map.js';
import type { Evaluation, PlanOptions, PredictionType, SamplingPlan, Scheduler } from '../plan.js';
import { multistepSchedule } from '../schedule/multistep-schedule.js';
import { buildNoiseTable, ZERO_SNR_FLOOR } from '../schedule/noise-table.js';
import { stepRange } from '../schedule/timesteps.js';
import { solveLinear } from './linear-system.js';
import { aboutScaled, epsilonRow, refusePixelOptions, splitVariance, x0Row } from './scaled-place.js';
import { evaluation } from './evaluation.js';

const NAME = 'UniPCMultistepScheduler';
const PREDICTIONS: readonly PredictionType[] = ['epsilon', 'sample', 'v_prediction'];

/**
 * UniPC (arXiv 2302.04867) of order 1 to 3, as diffusers 0.39 `scheduling_unipc_multistep.py`: what each evaluation finds
 * first corrects the step that led to it, then predicts the next.
 *
 * Planes 1 … order keep the last predictions, newest first; the last plane the sample that the step began with, corrected.
 */
export function unipc(reader: ConfigReader): Scheduler {
  const predictionType = reader.choice('prediction_type', PREDICTIONS, 'epsilon');
  const order = reader.integer('solver_order', 2, 1);
  if (order > 3) reader.fail('solver_order', '1, 2 or 3', order);
  const asked = reader.choice('solver_type', ['bh1', 'bh2', 'midpoint', 'heun', 'logrho'], 'bh2');
  const type: BhType = asked === 'bh1' ? 'bh1' : 'bh2';
  const clean = reader.flag('predict_x0', true);
  const lowerOrderFinal = reader.flag('lower_order_final', true);
  const uncorrected = reader.steps('disable_corrector');
  refusePixelOptions(reader);
  for (const key of ['solver_p', 'shift_terminal']) reader.refuse(key, () => false, 'Leave it away.');
  const final = reader.choice('final_sigmas_type', ['zero', 'sigma_min'], 'zero');
  const table = buildNoiseTable(reader, { zeroSnrFloor: ZERO_SNR_FLOOR });
  const lay = multistepSchedule(NAME, reader, table, { final, staysAtLast: true, alwaysWhole: true });
  const slots = order + 1;
  const kept = Array.from({ length: order }, (_, k) => slotRow(k));
  const began = slotRow(order);

  function plan(steps: number, options: PlanOptions = {}): SamplingPlan {
    const { timesteps, sigmas } = lay(steps, options);
    const { start, end } = stepRange(NAME, steps, options);
    const orderAt = (step: number): number => {
      // λ is infinite at σ = 0, where diffusers has no finite answer beyond the first order.
      if (sigmas[step + 1] === 0) return 1;
      return Math.min(order, lowerOrderFinal ? steps - step : order, step - start + 1);
    };
    const evaluations = timesteps.slice(start, end).map((timestep, i): Evaluation => {
      const step = start + i;
      const newest = (clean ? x0Row : epsilonRow)(predictionType, sigmas[step]!);
      let sample: Row = { x: 1 };
      if (i > 0 && !uncorrected.includes(step - 1)) {
        const weights = correction(sigmas, step, orderAt(step - 1), type, clean);
        sample = takeStep(weights, began, [newest, ...kept]);
      }
      const history = [newest, ...kept.slice(0, order - 1)];
      const next = takeStep(prediction(sigmas, step, orderAt(step), type, clean), sample, history);
      return evaluation(aboutScaled(predictionType, step, timestep, sigmas[step]!), [next, ...history, sample]);
    });
    return { scheduler: NAME, steps, slots, initNoiseSigma: 1, evaluations };
  }

  return { name: NAME, predictionType, trainTimesteps: table.sigmas.length, plan };
}

/** Which function B(h) scales the differences (section 3.2 of the paper). */
type BhType = 'bh1' | 'bh2';

/** A step as multiples of the sample and of predictions. */
interface Weights {
  readonly sample: number;
  readonly outputs: readonly number[];
}

function takeStep({ sample, outputs }: Weights, from: Row, predictions: readonly Row[]): Row {
  return combine([sample, from], ...outputs.map((weight, k) => [weight, predictions[k]!] as const));
}

/** From σ[step] to σ[step + 1]: weights of the predictions at step, step − 1, … */
function prediction(sigmas: readonly number[], step: number, order: number, type: BhType, clean: boolean): Weights {
  const base = basis(sigmas, step, clean, type);
  const ratios = Array.from({ length: order - 1 }, (_, k) => base.ratio(step - 1 - k));
  // Order 2 takes the midpoint's weight, as the paper does where it is enough.
  const rhos = order === 2 ? [0.5] : solveLinear(powers(ratios), base.moments(order - 1));
  return weigh(base, ratios, rhos);
}

/** The step that led to `step` taken again: weights of the predictions at step, step − 1, step − 2, … */
function correction(sigmas: readonly number[], step: number, order: number, type: BhType, clean: boolean): Weights {
  const base = basis(sigmas, step - 1, clean, type);
  const older = Array.from({ length: order - 1 }, (_, k) => base.ratio(step - 2 - k));
  const rhos = order === 1 ? [0.5] : solveLinear(powers([...older, 1]), base.moments(order));
  const { sample, outputs } = weigh(base, older, rhos.slice(0, -1));
  // The newest prediction stands at ratio 1, ahead of the one the step began with.
  const newest = base.difference * rhos[rhos.length - 1]!;
  return { sample, outputs: [newest, outputs[0]! - newest, ...outputs.slice(1)] };
}

/** Σ ρ_k·(m_k − m_0) / r_k over the older predictions, beside the exact step for a constant one. */
function weigh(base: Basis, ratios: readonly number[], rhos: readonly number[]): Weights {
  const older = ratios.map((ratio, k) => (base.difference * rhos[k]!) / ratio);
  return { sample: base.sample, outputs: [base.constant - older.reduce((sum, value) => sum + value, 0), ...older] };
}

/** Rows of powers 0, 1, … of the ratios: moments of the differences. */
function powers(ratios: readonly number[]): number[][] {
  return ratios.map((_, power) => ratios.map((ratio) => ratio ** power));
}

/** What a step from σ[from] to the next is made of. */
interface Basis {
  readonly sample: number;
  /** Weight of a prediction that does not change. */
  readonly constant: number;
  /** Weight of differences: the level times B(h). */
  readonly difference: number;
  /** Where the step `at` lies, in units of this one, from its beginning. */
  readonly ratio: (at: number) => number;
  /** k!·φ_{k+1}(h)·h / B(h) for k = 1 … count: what the differences must integrate to. */
  readonly moments: (count: number) => number[];
}

function basis(sigmas: readonly number[], from: number, clean: boolean, type: BhType): Basis {
  const lambda = (index: number): number => -Math.log(sigmas[index]!);
  const here = splitVariance(sigmas[from]!);
  const next = splitVariance(sigmas[from + 1]!);
  const h = lambda(from + 1) - lambda(from);
  const signed = clean ? -h : h;
  const growth = Math.expm1(signed);
  const scale = type === 'bh1' ? signed : growth;
  const level = clean ? next.signal : next.noise;
  return {
    sample: clean ? next.noise / here.noise : next.signal / here.signal,
    constant: -level * growth,
    difference: -level * scale,
    ratio: (at) => (lambda(at) - lambda(from)) / h,
    moments: (count) => {
      const values: number[] = [];
      let factorial = 1;
      let phi = growth / signed - 1;
      for (let k = 1; k <= count; k++) {
        values.push((phi * factorial) / scale);
        factorial *= k + 1;
        phi = phi / signed - 1 / factorial;
      }
      return values;
    },
  };
}
