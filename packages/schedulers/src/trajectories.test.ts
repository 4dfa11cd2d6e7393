import { describe, expect, it } from 'vitest';
import { readTrajectories } from '../test/goldens.js';
import { applyStep, initialState, type StateArray } from './apply-step.js';
import type { Evaluation } from './plan.js';
import { createNoiseSource } from './random/noise-source.js';
import { schedulerFromConfig } from './registry.js';

const { cases } = readTrajectories();

/** float32 rounds to within this part of a number. diffusers computes its steps in float32, this package in float64. */
const ROUNDING = 2 ** -24;

/** The stand-in for a UNet that tools/reference/schedulers.py records with. */
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

describe('whole runs, recorded from diffusers', () => {
  it('cover every scheduler, spacing, prediction and start asked for', () => {
    const seen = new Set(
      cases
        .map(({ config, start }) => [
          config['_class_name'],
          config.timestep_spacing,
          config.prediction_type,
          config.use_karras_sigmas,
          start !== undefined,
        ])
        .map(String),
    );
    expect(cases.length).toBeGreaterThan(250);
    expect(seen.size).toBeGreaterThan(40);
  });

  it.each(cases)('$config._class_name, $steps steps, $config', (golden) => {
    const { config, steps, seed, start = 0, eta, first, path } = golden;
    const plan = schedulerFromConfig(config).plan(steps, { startStep: start, eta });
    const source = createNoiseSource('torch', seed);
    const noise = Float64Array.from(source.normal(first.length));
    const state = initialState(plan, noise);
    if (start > 0) {
      // Image to image: clean latents from −1 to 1, noised to the first evaluation's level.
      const { signal, noise: level } = plan.evaluations[0]!.noising;
      state[0] = noise.map((n, i) => signal * (-1 + (2 * i) / (first.length - 1)) + level * n);
    } else {
      expect(Math.abs(plan.initNoiseSigma / golden.initNoiseSigma - 1)).toBeLessThan(8 * ROUNDING);
    }
    expect(largestDifference(state[0]!, first) / largest(first)).toBeLessThan(8 * ROUNDING);

    expect(plan.evaluations.length).toBe(golden.timesteps.length);
    plan.evaluations.forEach(({ timestep, inputScale, sigma }, i) => {
      // Fractions (Karras) go through a table of float32 logarithms whose last bits differ between machines.
      const want = golden.timesteps[i]!;
      expect(Math.abs(timestep - want)).toBeLessThanOrEqual(Number.isInteger(want) ? 0 : 1e-4);
      expect(Math.abs(inputScale / golden.inputScales[i]! - 1)).toBeLessThan(8 * ROUNDING);
      if (golden.sigmas) expect(Math.abs(sigma / golden.sigmas[i]! - 1)).toBeLessThan(16 * ROUNDING);
    });

    const seen: StateArray[] = [];
    let peak = largest(state[0]!);
    let stretch = 1;
    const peaks = plan.evaluations.map((evaluation, i) => {
      const output = model(evaluation, state[0]!);
      const fresh = evaluation.drawsNoise ? Float64Array.from(source.normal(first.length)) : undefined;
      applyStep(evaluation, state, output, fresh);
      seen.push(state[0]!.slice());
      peak = Math.max(peak, largest(state[0]!));
      // Heun divides a rounded difference by the small σ at a step's end and multiplies it by the whole step.
      if (plan.scheduler === 'HeunDiscreteScheduler' && i % 2 === 1) {
        stretch = Math.max(stretch, plan.evaluations[i - 1]!.sigma / evaluation.sigma / 2);
      }
      return peak * stretch;
    });

    // Goldens keep every step of short runs, and the first and last two of long ones.
    const kept = path.length === seen.length ? path.map((_, i) => i) : [0, seen.length - 2, seen.length - 1];
    expect(kept.length).toBe(path.length);
    kept.forEach((index, i) => {
      // Rounding errors are as large as the numbers that were rounded, and those shrink by a lot along a run.
      const allowed = 1e-6 * largest(path[i]!) + 16 * ROUNDING * peaks[index]!;
      expect(largestDifference(seen[index]!, path[i]!), `after step ${index}`).toBeLessThan(allowed);
    });
  });
});
