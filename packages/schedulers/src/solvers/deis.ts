import type { ConfigReader } from '../config.js';
import { combine, slotRow } from '../linear-map.js';
import type { Evaluation, PlanOptions, PredictionType, SamplingPlan, Scheduler } from '../plan.js';
import { multistepSchedule } from '../schedule/multistep-schedule.js';
import { buildNoiseTable } from '../schedule/noise-table.js';
import { stepRange } from '../schedule/timesteps.js';
import { aboutScaled, epsilonRow, refusePixelOptions, splitVariance } from './scaled-place.js';
import { evaluation } from './evaluation.js';

const NAME = 'DEISMultistepScheduler';
const PREDICTIONS: readonly PredictionType[] = ['epsilon', 'sample', 'v_prediction'];

/** Below this many steps `lower_order_final` lowers the order of the last ones. */
const FEW_STEPS = 15;

/**
 * DEIS, log-ρ multistep of order 1 to 3 (arXiv 2204.13902), as diffusers 0.39 `scheduling_deis_multistep.py`: ε̂ is the
 * polynomial in ln σ through the last predictions, integrated over σ. Ends at the least noise of training, not at none.
 *
 * Planes 1 … order − 1 keep the predictions before the newest, newest first.
 */
export function deis(reader: ConfigReader): Scheduler {
  const predictionType = reader.choice('prediction_type', PREDICTIONS, 'epsilon');
  const order = reader.integer('solver_order', 2, 1);
  if (order > 3) reader.fail('solver_order', '1, 2 or 3', order);
  // Words of other solvers stand for the only ones here, so that their configurations carry over.
  reader.choice('algorithm_type', ['deis', 'dpmsolver', 'dpmsolver++'], 'deis');
  reader.choice('solver_type', ['logrho', 'midpoint', 'heun', 'bh1', 'bh2'], 'logrho');
  refusePixelOptions(reader);
  const lowerOrderFinal = reader.flag('lower_order_final', true);
  const table = buildNoiseTable(reader, { rescales: false });
  const lay = multistepSchedule(NAME, reader, table, { final: 'sigma_min', staysAtLast: true, alwaysWhole: true });
  const slots = order - 1;

  function plan(steps: number, options: PlanOptions = {}): SamplingPlan {
    const { timesteps, sigmas } = lay(steps, options);
    const { start, end } = stepRange(NAME, steps, options);
    const orderAt = (step: number): number => {
      const few = lowerOrderFinal && steps < FEW_STEPS;
      // ln σ is infinite at 0, where custom sigmas may end.
      if (sigmas[step + 1] === 0) return 1;
      const most = few ? Math.min(order, steps - step) : order;
      return Math.min(most, step - start + 1);
    };
    const evaluations = timesteps.slice(start, end).map((timestep, i): Evaluation => {
      const step = start + i;
      const from = splitVariance(sigmas[step]!);
      const to = splitVariance(sigmas[step + 1]!);
      const kept = [epsilonRow(predictionType, sigmas[step]!), ...Array.from({ length: slots }, (_, k) => slotRow(k))];
      const weights = integrals(sigmas, step, orderAt(step));
      return evaluation(aboutScaled(predictionType, step, timestep, sigmas[step]!), [
        combine(
          [to.signal / from.signal, { x: 1 }],
          ...weights.map((weight, k) => [to.signal * weight, kept[k]!] as const),
        ),
        ...kept.slice(0, slots),
      ]);
    });
    return { scheduler: NAME, steps, slots, initNoiseSigma: 1, evaluations };
  }

  return { name: NAME, predictionType, trainTimesteps: table.sigmas.length, plan };
}

/** ∫ dσ over the step of Lagrange's polynomials in ln σ through σ[step], σ[step − 1], …, by their antiderivatives. */
function integrals(sigmas: readonly number[], step: number, order: number): number[] {
  const from = sigmas[step]!;
  const to = sigmas[step + 1]!;
  if (order === 1) return [to - from];
  const logs = Array.from({ length: order }, (_, k) => Math.log(sigmas[step - k]!));
  return logs.map((own, j) => {
    const others = logs.filter((_, k) => k !== j);
    const scale = others.reduce((product, other) => product * (own - other), 1);
    return (antiderivative(to, others) - antiderivative(from, others)) / scale;
  });
}

/** ∫ Π (ln t − r) dt for one or two roots r, with u = ln t: t·(u − r − 1), and t·((u − r)(u − s) − 2u + r + s + 2). */
function antiderivative(t: number, [r = 0, s]: readonly number[]): number {
  const u = Math.log(t);
  if (s === undefined) return t * (u - r - 1);
  return t * ((u - r) * (u - s) - 2 * u + r + s + 2);
}
