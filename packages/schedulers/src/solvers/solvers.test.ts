import { describe, expect, it } from 'vitest';
import { readSolvers, type SolverGolden } from '../../test/goldens.js';
import { applyStep, initialState, type StateArray } from '../apply-step.js';
import type { Evaluation, SamplingPlan } from '../plan.js';
import { createNoiseSource } from '../random/noise-source.js';
import { schedulerFromConfig } from '../registry.js';

const { cases } = readSolvers();

/** float32 rounds to within this part of a number. diffusers keeps its schedules in it, and some samples. */
const ROUNDING = 2 ** -24;

const SDXL = { num_train_timesteps: 1000, beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear' };

function planOf(golden: SolverGolden): SamplingPlan {
  const base = golden.class.startsWith('EDM') ? {} : SDXL;
  return schedulerFromConfig({ _class_name: golden.class, ...base, ...golden.config }).plan(golden.steps, {
    startStep: golden.start,
    eta: golden.eta,
    timesteps: golden.customTimesteps,
    sigmas: golden.customSigmas,
  });
}

/** The stand-in for a UNet that tools/reference/scheduler_solvers.py records with. */
function model({ inputScale, timestep }: Evaluation, x: StateArray): Float64Array {
  return Float64Array.from(x, (value, i) => {
    const input = inputScale * value;
    return 0.9 * Math.sin(1.3 * input + 0.004 * timestep + i) + 0.2 * Math.cos(0.5 * input - i);
  });
}

function largest(values: ArrayLike<number>): number {
  return Math.max(...Array.from(values, Math.abs));
}

function largestDifference(got: ArrayLike<number>, want: ArrayLike<number>): number {
  expect(got.length).toBe(want.length);
  return largest(Array.from(want, (value, i) => got[i]! - value));
}

describe('whole runs of solvers, recorded from diffusers stepping in float64', () => {
  it('cover every class, spacing, prediction, spread of sigmas and start asked for', () => {
    const of = (pick: (golden: SolverGolden) => unknown): number => new Set(cases.map((c) => String(pick(c)))).size;
    expect(cases.length).toBeGreaterThan(350);
    expect(of((c) => c.class)).toBe(15);
    expect(of(({ class: name, config }) => [name, config.timestep_spacing])).toBeGreaterThan(30);
    expect(of(({ class: name, config }) => [name, config.prediction_type])).toBeGreaterThan(30);
    expect(cases.filter(({ start }) => start).length).toBeGreaterThan(20);
  });

  it.each(cases)('$class, $steps steps from $start, eta $eta, $config', (golden) => {
    const plan = planOf(golden);
    const source = createNoiseSource('torch', 2000 + golden.steps);
    const count = golden.first.length;
    const noise = Float64Array.from(source.normal(count));
    const state = initialState(plan, noise);
    if (golden.start) {
      const { signal, noise: level } = plan.evaluations[0]!.noising;
      state[0] = noise.map((n, i) => signal * (-1 + (2 * i) / (count - 1)) + level * n);
    }
    expect(largestDifference(state[0]!, golden.first) / largest(golden.first)).toBeLessThan(8 * ROUNDING);
    expect(plan.evaluations.length).toBe(golden.timesteps.length);
    plan.evaluations.forEach(({ timestep }, i) => {
      // Fractions go through a table of float32 logarithms whose last bits differ between machines.
      expect(Math.abs(timestep - golden.timesteps[i]!)).toBeLessThan(2e-4);
    });
    const scales = plan.evaluations.reduce((sum, { inputScale }) => sum + inputScale, 0);
    expect(Math.abs(scales / golden.scale - 1)).toBeLessThan(16 * ROUNDING);

    let peak = largest(state[0]!);
    const kept = new Set([0, Math.floor(plan.evaluations.length / 2), plan.evaluations.length - 1]);
    const seen: { values: StateArray; peak: number }[] = [];
    plan.evaluations.forEach((evaluation, i) => {
      const output = model(evaluation, state[0]!);
      const fresh = evaluation.drawsNoise ? Float64Array.from(source.normal(count)) : undefined;
      applyStep(evaluation, state, output, fresh);
      peak = Math.max(peak, largest(state[0]!));
      if (kept.has(i)) seen.push({ values: state[0]!.slice(), peak });
    });
    expect(seen.length).toBe(golden.path.length);
    seen.forEach(({ values, peak: upTo }, i) => {
      // Rounding errors are as large as the numbers that were rounded, and those shrink by a lot along a run.
      const allowed = 1e-6 * largest(golden.path[i]!) + 16 * ROUNDING * upTo;
      expect(largestDifference(values, golden.path[i]!), `kept state ${i}`).toBeLessThan(allowed);
    });
  });
});
