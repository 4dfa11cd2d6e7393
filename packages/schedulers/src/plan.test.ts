import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyStep, initialState, type StateArray } from './apply-step.js';
import { packCoefficients } from './linear-map.js';
import type { Evaluation, SamplingPlan } from './plan.js';
import { createNoiseSource } from './random/noise-source.js';
import { schedulerFromConfig, schedulerNames } from './registry.js';

const SCALED = {
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  clip_sample: false,
  skip_prk_steps: true,
  set_alpha_to_one: true,
};

/** Every scheduler over every sensible configuration. */
const anyPlan = fc
  .record({
    // EDM models are told σ another way, and predict something else.
    scheduler: fc.constantFrom(...schedulerNames().filter((name) => !name.startsWith('EDM'))),
    timestep_spacing: fc.constantFrom('linspace', 'leading', 'trailing'),
    prediction_type: fc.constantFrom('epsilon', 'v_prediction'),
    steps: fc.integer({ min: 1, max: 50 }),
    steps_offset: fc.integer({ min: 0, max: 1 }),
    eta: fc.constantFrom(0, 0.5, 1),
  })
  .map(({ scheduler, steps, eta, ...config }) => ({
    make: schedulerFromConfig({ ...SCALED, ...config }, { scheduler }),
    steps,
    eta,
    prediction: config.prediction_type,
    spacing: config.timestep_spacing,
  }));

/** The answer of a model that knows the clean latents, in whichever form it predicts. */
function perfect(
  { noising, inputScale }: Evaluation,
  prediction: string,
  x: StateArray,
  clean: StateArray,
): Float64Array {
  // Latents as the variance-preserving mixture the model was trained on.
  const signal = noising.signal * inputScale;
  const noise = noising.noise * inputScale;
  return Float64Array.from(x, (value, i) => {
    const epsilon = (inputScale * value - signal * clean[i]!) / noise;
    return prediction === 'epsilon' ? epsilon : signal * epsilon - noise * clean[i]!;
  });
}

function run(plan: SamplingPlan, model: (evaluation: Evaluation, x: StateArray) => StateArray): StateArray {
  const source = createNoiseSource('torch', 1);
  const state = initialState(plan, Float64Array.from(source.normal(5)));
  for (const evaluation of plan.evaluations) {
    const noise = evaluation.drawsNoise ? Float64Array.from(source.normal(5)) : undefined;
    applyStep(evaluation, state, model(evaluation, state[0]!), noise);
  }
  return state[0]!;
}

describe('plans', () => {
  it('end at the clean latents when the model knows them', () => {
    const clean = Float64Array.of(-1.5, -0.2, 0, 0.7, 2);
    fc.assert(
      fc.property(anyPlan, ({ make, steps, eta, prediction, spacing }) => {
        const plan = make.plan(steps, { eta });
        const end = run(plan, (evaluation, x) => perfect(evaluation, prediction, x, clean));
        // DDIM steps back by a whole stride, which does not always pass timestep 0.
        const last = plan.evaluations.at(-1)!.timestep;
        if (plan.scheduler === 'DDIMScheduler' && last >= Math.floor(1000 / steps)) return;
        // DEIS ends at the least noise of training, TCD at the first timestep's.
        if (['DEISMultistepScheduler', 'TCDScheduler'].includes(plan.scheduler)) return;
        // LCM keeps a trace of the noisy latents, by its boundary conditions.
        if (plan.scheduler === 'LCMScheduler') return;
        // PNDM strides so too, and averages outputs of several timesteps, which only for noise are alike.
        if (plan.scheduler === 'PNDMScheduler' && (spacing !== 'leading' || prediction !== 'epsilon')) return;
        end.forEach((value, i) => expect(Math.abs(value - clean[i]!)).toBeLessThan(1e-6));
      }),
      { numRuns: 300 },
    );
  });

  it('predict those clean latents at every evaluation', () => {
    const clean = Float64Array.of(-1.5, -0.2, 0, 0.7, 2);
    fc.assert(
      fc.property(anyPlan, ({ make, steps, eta, prediction }) => {
        run(make.plan(steps, { eta }), (evaluation, x) => {
          const output = perfect(evaluation, prediction, x, clean);
          const { denoised } = evaluation;
          output.forEach((m, i) => {
            expect(Math.abs(denoised.sample * x[i]! + denoised.output * m - clean[i]!)).toBeLessThan(1e-6);
          });
          return output;
        });
      }),
    );
  });

  it('end within the boundary conditions of LCM', () => {
    const clean = Float64Array.of(-1.5, -0.2, 0, 0.7, 2);
    for (const steps of [1, 4, 8]) {
      const plan = schedulerFromConfig(SCALED, { scheduler: 'lcm' }).plan(steps);
      const end = run(plan, (evaluation, x) => perfect(evaluation, 'epsilon', x, clean));
      const scaled = 10 * plan.evaluations.at(-1)!.timestep;
      // c_out·x̂0 + c_skip·x, x being at most a few in size.
      end.forEach((value, i) => expect(Math.abs(value - clean[i]!)).toBeLessThan((0.25 / scaled ** 2) * 8));
    }
  });

  it('fall in timestep and noise, with finite coefficients of one shape', () => {
    fc.assert(
      fc.property(anyPlan, ({ make, steps, eta }) => {
        const plan = make.plan(steps, { eta });
        expect(plan.steps).toBe(steps);
        expect(packCoefficients(plan).length).toBe(plan.evaluations.length * (1 + plan.slots) * (3 + plan.slots));
        expect(new Set(plan.evaluations.map(({ step }) => step)).size).toBe(steps);
        plan.evaluations.forEach(({ timestep, sigma, step, coefficients }, i) => {
          expect(coefficients.length).toBe(1 + plan.slots);
          for (const row of coefficients) expect(row.length).toBe(3 + plan.slots);
          const before = plan.evaluations[i - 1];
          if (!before) return;
          expect(step - before.step === 0 || step - before.step === 1).toBe(true);
          if (step === before.step) return;
          expect(timestep).toBeLessThanOrEqual(before.timestep + 1e-4);
          // Where steps are no longer than float32 tells apart, a middle is rounded.
          expect(sigma).toBeLessThanOrEqual(before.sigma * (1 + 2 ** -24));
        });
      }),
    );
  });

  it('cut at the end keep their steps; cut at the start keep timesteps and noise levels', () => {
    fc.assert(
      fc.property(anyPlan, fc.double({ min: 0, max: 1, noNaN: true }), ({ make, steps }, where) => {
        const cut = Math.min(steps - 1, Math.floor(where * steps));
        const whole = make.plan(steps);
        const head = make.plan(steps, { endStep: cut + 1 });
        const tail = make.plan(steps, { startStep: cut });
        expect(head.evaluations).toEqual(whole.evaluations.filter(({ step }) => step <= cut));
        // As in diffusers, PNDM takes its first step twice wherever it starts.
        if (whole.scheduler === 'PNDMScheduler') return;
        const levels = (plan: SamplingPlan): unknown[] =>
          plan.evaluations
            .filter(({ step }) => step >= cut)
            .map(({ step, timestep, sigma, noising }) => ({ step, timestep, sigma, noising }));
        expect(levels(tail)).toEqual(levels(whole));
      }),
    );
  });
});

describe('applyStep', () => {
  const plan = schedulerFromConfig(SCALED, { scheduler: 'dpmpp-2m' }).plan(3);

  it('reads every old value before it writes', () => {
    const swap: Evaluation = {
      ...plan.evaluations[0]!,
      coefficients: [
        [0, 1, 0, 0],
        [1, 0, 0, 0],
      ],
    };
    const state = [Float32Array.of(1, 2), Float32Array.of(3, 4)];
    applyStep(swap, state, Float32Array.of(9, 9));
    expect(state).toEqual([Float32Array.of(3, 4), Float32Array.of(1, 2)]);
  });

  it('takes empty latents', () => {
    const state = initialState(plan, new Float32Array(0));
    applyStep(plan.evaluations[0]!, state, new Float32Array(0));
    expect(state[0]!.length).toBe(0);
  });

  it('refuses operands that do not fit', () => {
    const evaluation = plan.evaluations[0]!;
    const noisy = { ...evaluation, drawsNoise: true };
    const two = new Float32Array(2);
    for (const act of [
      () => applyStep(evaluation, [two], two),
      () => applyStep(evaluation, [two, new Float32Array(3)], two),
      () => applyStep(evaluation, [two, two], new Float32Array(1)),
      () => applyStep(noisy, [two, two], two),
      () => applyStep(noisy, [two, two], two, new Float32Array(4)),
    ]) {
      expect(act).toThrow(expect.objectContaining({ code: 'scheduler/operands' }));
    }
  });

  it('computes in float32 storage to within its rounding', () => {
    const wide = initialState(plan, Float64Array.of(0.3, -1.2));
    const narrow = initialState(plan, Float32Array.of(0.3, -1.2));
    for (const evaluation of plan.evaluations) {
      applyStep(evaluation, wide, Float64Array.of(0.1, 0.2));
      applyStep(evaluation, narrow, Float32Array.of(0.1, 0.2));
    }
    wide[0]!.forEach((value, i) => expect(Math.abs(value - narrow[0]![i]!)).toBeLessThan(20 * 2 ** -24 * 15));
  });
});
