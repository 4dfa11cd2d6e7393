import type { ConfigReader } from '../config.js';
import { SchedulerError } from '../errors.js';
import type { PlanOptions, PredictionType, SamplingPlan, Scheduler } from '../plan.js';
import { multistepSchedule } from '../schedule/multistep-schedule.js';
import { buildNoiseTable, ZERO_SNR_FLOOR } from '../schedule/noise-table.js';
import { stepRange } from '../schedule/timesteps.js';
import { dpmEvaluations, type DpmAlgorithm, type DpmSolver } from './exponential-multistep.js';
import { aboutScaled, epsilonRow, refusePixelOptions, splitVariance, x0Row } from './scaled-place.js';

const { fround } = Math;
const NAME = 'DPMSolverMultistepScheduler';
const PREDICTIONS: readonly PredictionType[] = ['epsilon', 'sample', 'v_prediction'];
const ALGORITHMS = ['dpmsolver++', 'sde-dpmsolver++', 'dpmsolver', 'sde-dpmsolver', 'deis'] as const;

/**
 * DPM-Solver and DPM-Solver++ multistep of order 1, 2 (midpoint or heun) or 3 (arXiv 2206.00927, 2211.01095), as an ODE or
 * as an SDE, as diffusers 0.39 `scheduling_dpmsolver_multistep.py`. "DPM++ 2M" is `algorithm_type` "dpmsolver++" of order 2,
 * "DPM++ 2M SDE" is "sde-dpmsolver++".
 */
export function dpmSolverMultistep(reader: ConfigReader): Scheduler {
  const predictionType = reader.choice('prediction_type', PREDICTIONS, 'epsilon');
  const order = reader.integer('solver_order', 2, 1);
  if (order > 3) reader.fail('solver_order', '1, 2 or 3', order);
  // Words of other solvers stand for the default, so that their configurations carry over.
  const type = reader.choice('solver_type', ['midpoint', 'heun', 'logrho', 'bh1', 'bh2'], 'midpoint');
  const asked = reader.choice('algorithm_type', ALGORITHMS, 'dpmsolver++');
  const algorithm: DpmAlgorithm = asked === 'deis' ? 'dpmsolver++' : asked;
  reader.refuse('variance_type', (value) => !String(value).startsWith('learned'), 'Such models are not run here.');
  refusePixelOptions(reader);
  const final = reader.choice('final_sigmas_type', ['zero', 'sigma_min'], 'zero');
  const clean = algorithm.endsWith('++');
  if (!clean && final === 'zero') {
    reader.fail('final_sigmas_type', `"sigma_min" with algorithm_type "${algorithm}"`, final);
  }
  if (algorithm === 'sde-dpmsolver' && order === 3) reader.fail('solver_order', '1 or 2 with that algorithm_type', 3);
  const table = buildNoiseTable(reader, { zeroSnrFloor: ZERO_SNR_FLOOR });
  const usable = countAboveLambda(table.alphasCumprod, reader.number('lambda_min_clipped', -Infinity));
  const lay = multistepSchedule(NAME, reader, table, { final, lu: true, usable });
  const solver: DpmSolver = {
    algorithm,
    order,
    type: type === 'heun' ? 'heun' : 'midpoint',
    lowerOrderFinal: reader.flag('lower_order_final', true),
    eulerAtFinal: reader.flag('euler_at_final', false),
    split: splitVariance,
    converted: (sigma) => (clean ? x0Row : epsilonRow)(predictionType, sigma),
    about: (step, timestep, sigma) => aboutScaled(predictionType, step, timestep, sigma),
  };

  function plan(steps: number, options: PlanOptions = {}): SamplingPlan {
    const schedule = lay(steps, options);
    const evaluations = dpmEvaluations(solver, schedule, stepRange(NAME, steps, options));
    return { scheduler: NAME, steps, slots: order - 1, initNoiseSigma: 1, evaluations };
  }

  return { name: NAME, predictionType, trainTimesteps: table.sigmas.length, plan };
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
