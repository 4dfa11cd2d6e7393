import type { ConfigReader } from '../config.js';
import type { PlanOptions } from '../plan.js';
import { customLevels } from './custom-levels.js';
import { refuseCustom } from './discrete-schedule.js';
import type { NoiseTable } from './noise-table.js';
import { interpolateTable, linspace, roundHalfToEven } from './numpy-grid.js';
import { readSigmaSpacing, spreadSigmas } from './sigma-spacing.js';
import { finalSigma, timestepOfSigma, type FinalSigma, type SigmaSchedule } from './sigmas.js';
import { checkSteps, TIMESTEP_SPACINGS, trailingTimesteps } from './timesteps.js';

const { fround } = Math;

/** What differs among the multistep schedulers. */
export interface MultistepOptions {
  readonly final: FinalSigma;
  /** Where sigmas are spread anew, `sigma_min` means their own last one, and the last step goes nowhere. */
  readonly staysAtLast?: boolean;
  /** The class has `use_lu_lambdas`. */
  readonly lu?: boolean;
  /** Timesteps of Karras sigmas are whole even under a cosine schedule. */
  readonly alwaysWhole?: boolean;
  /** How many of the training timesteps are used, from the cleanest. @defaultValue all */
  readonly usable?: number;
}

/**
 * Reads `timestep_spacing`, `steps_offset` and the spacing of sigmas, as DPM-Solver, UniPC and DEIS in diffusers 0.39 read
 * them: one timestep more is laid out than by Euler's family, and the last left away; timesteps are whole.
 */
export function multistepSchedule(
  name: string,
  reader: ConfigReader,
  table: NoiseTable,
  how: MultistepOptions,
): (steps: number, options: PlanOptions) => SigmaSchedule {
  const timestepSpacing = reader.choice('timestep_spacing', TIMESTEP_SPACINGS, 'linspace');
  const stepsOffset = reader.integer('steps_offset', 0);
  const spacing = readSigmaSpacing(reader, { lu: how.lu });
  const cosine = reader.choice('beta_schedule', ['linear', 'scaled_linear', 'squaredcos_cap_v2'], 'linear');
  const rounds =
    (spacing === 'karras' || spacing === 'lu') && (how.alwaysWhole === true || cosine !== 'squaredcos_cap_v2');
  const trainTimesteps = table.sigmas.length;
  const usable = how.usable ?? trainTimesteps;
  const timestepOf = timestepOfSigma(table);
  const ranged = spacing !== 'lu';
  const least = (ranged ? reader.optionalNumber('sigma_min') : undefined) ?? table.sigmas[0]!;
  const most = (ranged ? reader.optionalNumber('sigma_max') : undefined) ?? table.sigmas[trainTimesteps - 1]!;

  function spaced(steps: number): number[] {
    switch (timestepSpacing) {
      case 'linspace':
        return [...linspace(0, usable - 1, steps + 1)].map(roundHalfToEven).reverse().slice(0, -1);
      case 'leading': {
        const ratio = Math.floor(usable / (steps + 1));
        return Array.from({ length: steps }, (_, i) => (steps - i) * ratio + stepsOffset);
      }
      case 'trailing':
        return trailingTimesteps(usable, trainTimesteps, steps);
    }
  }

  return (steps, options) => {
    checkSteps(name, steps, trainTimesteps);
    const custom = customLevels(name, steps, options, { timesteps: true, sigmas: true, last: trainTimesteps - 1 });
    if (custom.sigmas) {
      const given = custom.sigmas.map(fround);
      return { timesteps: given.slice(0, -1).map(timestepOf).map(roundHalfToEven), sigmas: given };
    }
    if (spacing === 'table') {
      const timesteps = (custom.timesteps ?? spaced(steps)).map(Math.trunc);
      const sigmas = timesteps.map((timestep) => interpolateTable(timestep, table.sigmas));
      return { timesteps, sigmas: [...sigmas, finalSigma(how.final, table)].map(fround) };
    }
    if (custom.timesteps) refuseCustom(name, spacing);
    const sigmas = spreadSigmas(spacing, most, least, steps);
    const timesteps = sigmas.map(timestepOf);
    const end = how.final === 'sigma_min' && how.staysAtLast ? sigmas[steps - 1]! : finalSigma(how.final, table);
    return {
      // Stored as whole numbers in diffusers, cut towards zero.
      timesteps: (rounds ? timesteps.map(roundHalfToEven) : timesteps).map(Math.trunc),
      sigmas: [...sigmas, end].map(fround),
    };
  };
}
