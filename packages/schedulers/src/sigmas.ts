import type { ConfigReader } from './config.js';
import { linspace } from './numpy-grid.js';
import type { NoiseTable } from './noise-table.js';
import type { TimestepSpacing } from './timesteps.js';

/** Where a schedule ends: at no noise, or at the least noise of training. */
export type FinalSigma = 'zero' | 'sigma_min';

/** Karras' ρ; 7 is the paper's value and diffusers' only one. */
const RHO = 7;

/**
 * Sigmas spaced evenly in σ^(1/7), falling (Karras et al., arXiv 2206.00364, eq. 5).
 *
 * @param reader - `sigma_min` and `sigma_max` of the configuration take precedence.
 */
export function karrasSigmas(reader: ConfigReader, most: number, least: number, steps: number): number[] {
  const min = (reader.optionalNumber('sigma_min') ?? least) ** (1 / RHO);
  const max = (reader.optionalNumber('sigma_max') ?? most) ** (1 / RHO);
  return [...linspace(0, 1, steps)].map((ramp) => (max + ramp * (min - max)) ** RHO);
}

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

/** Refuses the sigma spacings not done here. */
export function refuseOtherSigmas(reader: ConfigReader): void {
  for (const key of ['use_exponential_sigmas', 'use_beta_sigmas', 'use_lu_lambdas', 'use_flow_sigmas']) {
    reader.refuse(key, (value) => value === false, 'Set it to false, or use_karras_sigmas to true.');
  }
}
