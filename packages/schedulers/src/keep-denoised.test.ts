import { describe, expect, it } from 'vitest';
import { applyStep, initialState, type StateArray } from './apply-step.js';
import { keepDenoised } from './keep-denoised.js';
import { createNoiseSource } from './random/noise-source.js';
import { schedulerFromConfig, schedulerNames } from './registry.js';

const config = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear', clip_sample: false };
const clean = [0.3, -1.2, 0.8, 2];

describe.each(schedulerNames().filter((name) => !name.endsWith('Scheduler')))(
  '%s, keeping what it predicts',
  (name) => {
    const plain = schedulerFromConfig({ ...config, skip_prk_steps: true }, { scheduler: name }).plan(7);
    const kept = keepDenoised(plain);

    /** A model that knows the clean latents of the first step's noise level; and what is in every plane after each step. */
    function run(plan: typeof plain): { latents: Float64Array; predicted: number[][] } {
      const source = createNoiseSource('torch', 3);
      const state: StateArray[] = initialState(plan, Float64Array.from(source.normal(4)));
      const predicted: number[][] = [];
      for (const evaluation of plan.evaluations) {
        const noise = evaluation.drawsNoise ? Float64Array.from(source.normal(4)) : undefined;
        const { noising } = evaluation;
        const output = state[0]!.map((x, i) => (x - noising.signal * clean[i]!) / noising.noise);
        applyStep(evaluation, state, output, noise);
        predicted.push([...state.at(-1)!]);
      }
      return { latents: Float64Array.from(state[0]!), predicted };
    }

    it('gives the same latents to the last bit', () => {
      expect(run(kept).latents).toEqual(run(plain).latents);
    });

    it('has the clean latents in the last slot after every evaluation', () => {
      expect(kept.slots).toBe(plain.slots + 1);
      const { predicted } = run(kept);
      expect(predicted).toHaveLength(plain.evaluations.length);
      for (const values of predicted) values.forEach((value, i) => expect(value).toBeCloseTo(clean[i]!, 8));
    });
  },
);
