import type { ConfigReader } from './config.js';
import { SchedulerError } from './errors.js';
import { linearMap, type Row } from './linear-map.js';
import { alphaAt, buildNoiseTable } from './noise-table.js';
import { roundHalfToEven } from './numpy-grid.js';
import type { Evaluation, PlanOptions, SamplingPlan, Scheduler } from './plan.js';
import { denoisedFromScaled } from './prediction.js';
import { checkSteps, spacedTimesteps, stepRange, TIMESTEP_SPACINGS } from './timesteps.js';

const NAME = 'PNDMScheduler';

/** Planes: the last three model outputs, newest first, and the sample the first step began with. */
const SLOTS = 4;
const SAVED = 3;

/** Adams–Bashforth weights of orders 2 to 4, for the newest output first (PNDM, arXiv 2202.09778, eq. 12). */
const ADAMS_BASHFORTH: readonly (readonly number[])[] = [
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
];

/**
 * PNDM without its Runge–Kutta start, that is PLMS (arXiv 2202.09778), as diffusers 0.39 `scheduling_pndm.py` with
 * `skip_prk_steps`, which is how Stable Diffusion uses it.
 *
 * The first step is taken twice, the second time with the mean of the outputs at both its ends, so N steps are N + 1
 * evaluations. As in diffusers, `startStep` counts evaluations here, and whatever the first is, it is taken twice.
 */
export function pndm(reader: ConfigReader): Scheduler {
  const predictionType = reader.choice('prediction_type', ['epsilon', 'v_prediction'], 'epsilon');
  const spacing = reader.choice('timestep_spacing', TIMESTEP_SPACINGS, 'leading');
  const stepsOffset = reader.integer('steps_offset', 0);
  if (!reader.flag('skip_prk_steps', false)) {
    throw new SchedulerError(
      'scheduler/unsupported',
      `${NAME}: expected "skip_prk_steps" to be true, got false (also what a missing key means). ` +
        'Latent diffusion models are used with it: override it with true.',
    );
  }
  const table = buildNoiseTable(reader, { rescales: false });
  const trainTimesteps = table.sigmas.length;
  const finalAlpha = reader.flag('set_alpha_to_one', false) ? 1 : table.alphasCumprod[0]!;

  function plan(steps: number, options: PlanOptions = {}): SamplingPlan {
    checkSteps(NAME, steps, trainTimesteps);
    const { start, end } = stepRange(NAME, steps, options);
    const stride = Math.floor(trainTimesteps / steps);
    const distinct = spacedTimesteps(spacing, steps, trainTimesteps, stepsOffset).map(roundHalfToEven);
    // The second timestep twice: once to correct the first step, once for its own.
    const timesteps = steps === 1 ? distinct : [distinct[0]!, distinct[1]!, ...distinct.slice(1)];

    const evaluate = (timestep: number, count: number, step: number): Evaluation => {
      const corrects = count === 1;
      const transfer = transferOver(
        alphaAt(NAME, table, corrects ? timestep + stride : timestep),
        alphaBefore(corrects ? timestep : timestep - stride),
        predictionType === 'v_prediction',
      );
      // The slope stepped along: m and the outputs before it.
      const outputs = corrects ? [1 / 2, 1 / 2] : (ADAMS_BASHFORTH[Math.min(count, 4) - 2] ?? [1]);
      const [m = 0, ...past] = outputs.map((weight) => weight * transfer.output);
      const history = [past[0] ?? 0, past[1] ?? 0, past[2] ?? 0];
      const alpha = alphaAt(NAME, table, timestep);
      const x0 = denoisedFromScaled(predictionType, Math.sqrt(alpha), Math.sqrt(1 - alpha));
      return {
        step,
        timestep,
        inputScale: 1,
        sigma: table.sigmas[timestep]!,
        coefficients: linearMap(SLOTS, [
          corrects ? { m, slots: [...history, transfer.sample] } : { x: transfer.sample, m, slots: history },
          ...remember(count),
        ]),
        drawsNoise: false,
        denoised: { sample: x0.x, output: x0.m },
        noising: { signal: Math.sqrt(alpha), noise: Math.sqrt(1 - alpha) },
      };
    };
    const alphaBefore = (timestep: number): number => (timestep >= 0 ? alphaAt(NAME, table, timestep) : finalAlpha);

    // Both takes of the first step belong to it.
    const stepOf = (index: number): number => Math.max(start, index - 1);
    const evaluations = timesteps
      .map((timestep, index) => ({ timestep, index }))
      .filter(({ index }) => index >= start && stepOf(index) < end)
      .map(({ timestep, index }) => evaluate(timestep, index - start, stepOf(index)));
    return { scheduler: NAME, steps, slots: SLOTS, initNoiseSigma: 1, evaluations };
  }

  return { name: NAME, predictionType, trainTimesteps, plan };
}

/** A plane that becomes what the plane of `slot` was. */
function keep(slot: number): Row {
  return { slots: Array.from({ length: SLOTS }, (_, i) => (i === slot ? 1 : 0)) };
}

/** What the four planes become: outputs move along, but for the correction's, and the first sample is kept. */
function remember(count: number): Row[] {
  return [
    count === 1 ? keep(0) : { m: 1 },
    count === 1 ? keep(1) : keep(0),
    count === 1 ? keep(2) : keep(1),
    count === 0 ? { x: 1 } : keep(SAVED),
  ];
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
