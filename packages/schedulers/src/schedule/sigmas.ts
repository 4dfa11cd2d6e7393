import type { NoiseTable } from './noise-table.js';
import type { TimestepSpacing } from './timesteps.js';

/** Where a schedule ends: at no noise, or at the least noise of training. */
export type FinalSigma = 'zero' | 'sigma_min';

/** A function from σ back to the (fractional) training timestep, linear in log σ, held at both ends. */
export function timestepOfSigma(table: NoiseTable): (sigma: number) => number {
  // float32, as diffusers' table of logarithms is; σ grows with the timestep.
  const logs = table.sigmas.map((sigma) => Math.log(sigma));
  return (sigma) => {
    const log = Math.log(Math.max(sigma, 1e-10));
    let low = 0;
    let high = logs.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (logs[middle]! <= log) low = middle;
      else high = middle;
    }
    const weight = Math.min(1, Math.max(0, (logs[low]! - log) / Math.fround(logs[low]! - logs[low + 1]!)));
    return (1 - weight) * low + weight * (low + 1);
  };
}

/** The last σ of a schedule. */
export function finalSigma(kind: FinalSigma, table: NoiseTable): number {
  return kind === 'zero' ? 0 : table.sigmas[0]!;
}

/**
 * Deviation of the first latents x0 + σ·ε. Leading spacing does not start at the noisiest timestep, and diffusers
 * allows for the signal there.
 */
export function initialSigma(spacing: TimestepSpacing, sigmas: readonly number[]): number {
  const most = Math.max(...sigmas);
  return spacing === 'leading' ? Math.sqrt(most * most + 1) : most;
}

/** Noise levels of a whole schedule: what the model is told at each step, and σ there; one σ more, where the last ends. */
export interface SigmaSchedule {
  readonly timesteps: readonly number[];
  readonly sigmas: readonly number[];
}
