import type { ConfigReader } from '../config.js';
import { SchedulerError } from '../errors.js';
import { combine, slotRow, type Row } from '../linear-map.js';
import { customLevels } from '../schedule/custom-levels.js';
import { alphaAt, buildNoiseTable } from '../schedule/noise-table.js';
import { roundHalfToEven } from '../schedule/numpy-grid.js';
import type { Evaluation, PlanOptions, SamplingPlan, Scheduler } from '../plan.js';
import { denoisedFromScaled } from '../schedule/prediction.js';
import { checkSteps, spacedTimesteps, stepRange, TIMESTEP_SPACINGS } from '../schedule/timesteps.js';
import { evaluation, type About } from './evaluation.js';

const NAME = 'PNDMScheduler';

/**
 * Planes: the last three model outputs, newest first, and the sample that a step of several evaluations began with; with a
 * Runge–Kutta start one more, the mean of outputs so far.
 */
const HISTORY = [slotRow(0), slotRow(1), slotRow(2)] as const;
const SAVED = slotRow(3);
const MEAN = slotRow(4);

/** Steps taken by Runge–Kutta, of four evaluations each, and the weights of those. */
const RUNGE_KUTTA_STEPS = 3;
const RUNGE_KUTTA = [1 / 6, 1 / 3, 1 / 3, 1 / 6] as const;

/** Adams–Bashforth weights of orders 2 to 4, for the newest output first (PNDM, arXiv 2202.09778, eq. 12). */
const ADAMS_BASHFORTH: readonly (readonly number[])[] = [
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
];

/**
 * PNDM (arXiv 2202.09778), as diffusers 0.39 `scheduling_pndm.py`. With `skip_prk_steps`, which is how Stable Diffusion uses
 * it, that is PLMS: the first step is taken twice, the second time with the mean of the outputs at both its ends, so N steps
 * are N + 1 evaluations; as in diffusers, `startStep` then counts evaluations, and whatever the first is, it is taken twice.
 * Without, the first three steps are Runge–Kutta's of four evaluations, and a run begins at the first.
 */
export function pndm(reader: ConfigReader): Scheduler {
  const predictionType = reader.choice('prediction_type', ['epsilon', 'v_prediction'], 'epsilon');
  const spacing = reader.choice('timestep_spacing', TIMESTEP_SPACINGS, 'leading');
  const stepsOffset = reader.integer('steps_offset', 0);
  const skips = reader.flag('skip_prk_steps', false);
  const slots = skips ? 4 : 5;
  const table = buildNoiseTable(reader, { rescales: false });
  const trainTimesteps = table.sigmas.length;
  const finalAlpha = reader.flag('set_alpha_to_one', false) ? 1 : table.alphasCumprod[0]!;

  function plan(steps: number, options: PlanOptions = {}): SamplingPlan {
    checkSteps(NAME, steps, trainTimesteps);
    customLevels(NAME, steps, options, { timesteps: false, sigmas: false, last: trainTimesteps - 1 });
    const { start, end } = stepRange(NAME, steps, options);
    if (!skips) checkRungeKutta(steps, start);
    const stride = Math.floor(trainTimesteps / steps);
    const distinct = spacedTimesteps(spacing, steps, trainTimesteps, stepsOffset).map(roundHalfToEven);
    const evaluate = (timestep: number, count: number, step: number): Evaluation => {
      const corrects = count === 1;
      const transfer = transferOver(
        alphaAt(NAME, table, corrects ? timestep + stride : timestep),
        alphaBefore(corrects ? timestep : timestep - stride),
        predictionType === 'v_prediction',
      );
      // The slope stepped along: m and the outputs before it.
      const outputs = corrects ? [1 / 2, 1 / 2] : (ADAMS_BASHFORTH[Math.min(count, 4) - 2] ?? [1]);
      const kept = [{ m: 1 }, ...HISTORY];
      const next = combine(
        [transfer.sample, corrects ? SAVED : { x: 1 }],
        ...outputs.map((weight, k) => [weight * transfer.output, kept[k]!] as const),
      );
      return evaluation(about(timestep, step), [next, ...remember(count), {}].slice(0, 1 + slots));
    };

    /** One of the four evaluations of a Runge–Kutta step, half a stride apart. */
    const rungeKutta = (step: number, take: number): Evaluation => {
      const half = Math.floor(stride / 2);
      const from = distinct[step]!;
      const to = distinct[step + 1]!;
      const timestep = [from, to + half, to + half, to][take]!;
      const target = [from - half, to + half, to, to][take]!;
      const transfer = transferOver(alphaAt(NAME, table, from), alphaBefore(target), predictionType === 'v_prediction');
      const mean = combine([take === 0 ? 0 : 1, MEAN], [RUNGE_KUTTA[take]!, { m: 1 }]);
      const saved = take === 0 ? { x: 1 } : SAVED;
      return evaluation(about(timestep, step), [
        combine([transfer.sample, saved], [transfer.output, take === 3 ? mean : { m: 1 }]),
        // The first output of each step is the one remembered.
        ...(take === 0 ? [{ m: 1 }, HISTORY[0], HISTORY[1]] : HISTORY),
        saved,
        mean,
      ]);
    };

    const about = (timestep: number, step: number): About => {
      const alpha = alphaAt(NAME, table, timestep);
      const x0 = denoisedFromScaled(predictionType, Math.sqrt(alpha), Math.sqrt(1 - alpha));
      return {
        step,
        timestep,
        inputScale: 1,
        sigma: table.sigmas[timestep]!,
        denoised: { sample: x0.x, output: x0.m },
        noising: { signal: Math.sqrt(alpha), noise: Math.sqrt(1 - alpha) },
      };
    };
    const alphaBefore = (timestep: number): number => (timestep >= 0 ? alphaAt(NAME, table, timestep) : finalAlpha);

    if (!skips) {
      const first = Array.from({ length: 4 * RUNGE_KUTTA_STEPS }, (_, i) => rungeKutta(Math.floor(i / 4), i % 4));
      const rest = distinct
        .slice(RUNGE_KUTTA_STEPS)
        .map((timestep, i) => evaluate(timestep, 4 * RUNGE_KUTTA_STEPS + i, RUNGE_KUTTA_STEPS + i));
      const evaluations = [...first, ...rest].filter(({ step }) => step < end);
      return { scheduler: NAME, steps, slots, initNoiseSigma: 1, evaluations };
    }

    // The second timestep twice: once to correct the first step, once for its own. Both belong to the first step.
    const timesteps = steps === 1 ? distinct : [distinct[0]!, distinct[1]!, ...distinct.slice(1)];
    const stepOf = (index: number): number => Math.max(start, index - 1);
    const evaluations = timesteps
      .map((timestep, index) => ({ timestep, index }))
      .filter(({ index }) => index >= start && stepOf(index) < end)
      .map(({ timestep, index }) => evaluate(timestep, index - start, stepOf(index)));
    return { scheduler: NAME, steps, slots, initNoiseSigma: 1, evaluations };
  }

  return { name: NAME, predictionType, trainTimesteps, plan };
}

/** Checks what a Runge–Kutta start needs: four timesteps, and the first of them. */
function checkRungeKutta(steps: number, start: number): void {
  if (steps > RUNGE_KUTTA_STEPS && start === 0) return;
  throw new SchedulerError(
    'scheduler/unsupported',
    `${NAME}: expected at least ${RUNGE_KUTTA_STEPS + 1} steps from the first on, as its Runge–Kutta start needs (what a ` +
      `missing "skip_prk_steps" means), got ${steps} steps from ${start}. Set skip_prk_steps to true.`,
  );
}

/** What the four planes become: outputs move along, but for the correction's, and the first sample is kept. */
function remember(count: number): Row[] {
  const outputs = count === 1 ? HISTORY : [{ m: 1 }, HISTORY[0], HISTORY[1]];
  return [...outputs, count === 0 ? { x: 1 } : SAVED];
}

/**
 * From ᾱ `from` to ᾱ `to` along a constant ε, as multiples of the sample and of the model's output (eq. 9 of the
 * paper). A velocity is first turned into ε with the very sample that is stepped.
 */
function transferOver(from: number, to: number, velocity: boolean): { sample: number; output: number } {
  const sample = Math.sqrt(to / from);
  const output = -(to - from) / (from * Math.sqrt(1 - to) + Math.sqrt(from * (1 - from) * to));
  return velocity
    ? { sample: sample + output * Math.sqrt(1 - from), output: output * Math.sqrt(from) }
    : { sample, output };
}
