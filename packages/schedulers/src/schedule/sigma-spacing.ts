import type { ConfigReader } from '../config.js';
import { symmetricBetaQuantile } from './beta-quantile.js';
import { linspace } from './numpy-grid.js';

/**
 * How noise levels are spread: as the timesteps' own (`table`), or anew between the greatest and the least. `lu` is
 * even in λ = −ln σ, as `exponential`, but tells models whole timesteps.
 */
export type SigmaSpacing = 'table' | 'karras' | 'exponential' | 'beta' | 'lu';

/** Karras' ρ; 7 is the paper's value and diffusers' only one. */
const RHO = 7;

/** Both parameters of the beta distribution (arXiv 2407.12173), in diffusers and ComfyUI. */
const BETA = 0.6;

/**
 * Reads which spacing a configuration asks for.
 *
 * @param more - `lu` where the class has `use_lu_lambdas`.
 * @throws SchedulerError `scheduler/config` where it asks for several.
 */
export function readSigmaSpacing(reader: ConfigReader, more: { readonly lu?: boolean } = {}): SigmaSpacing {
  const flags: readonly (readonly [string, SigmaSpacing])[] = [
    ['use_karras_sigmas', 'karras'],
    ['use_exponential_sigmas', 'exponential'],
    ['use_beta_sigmas', 'beta'],
    ...(more.lu ? ([['use_lu_lambdas', 'lu']] as const) : []),
  ];
  const asked = flags.filter(([key]) => reader.flag(key, false));
  if (asked.length > 1) reader.fail(asked[1]![0], `false beside ${asked[0]![0]}`, true);
  return asked[0]?.[1] ?? 'table';
}

/**
 * Sigmas from `most` to `least`, falling, in float64.
 *
 * - `karras`: even in σ^(1/7) (arXiv 2206.00364, eq. 5);
 * - `exponential`: even in ln σ;
 * - `beta`: quantiles of a beta distribution, close together at both ends (arXiv 2407.12173).
 */
export function spreadSigmas(
  spacing: Exclude<SigmaSpacing, 'table'>,
  most: number,
  least: number,
  steps: number,
): number[] {
  const ramp = [...linspace(0, 1, steps)];
  switch (spacing) {
    case 'karras': {
      const low = least ** (1 / RHO);
      const high = most ** (1 / RHO);
      return ramp.map((at) => (high + at * (low - high)) ** RHO);
    }
    case 'lu':
    case 'exponential':
      return [...linspace(Math.log(most), Math.log(least), steps)].map(Math.exp);
    case 'beta':
      return ramp.map((at) => least + symmetricBetaQuantile(1 - at, BETA) * (most - least));
  }
}
