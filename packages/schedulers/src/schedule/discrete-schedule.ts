import type { ConfigReader } from '../config.js';
import { SchedulerError } from '../errors.js';
import type { PlanOptions } from '../plan.js';
import { customLevels } from './custom-levels.js';
import type { NoiseTable } from './noise-table.js';
import { interpolateTable, linspace, roundHalfToEven } from './numpy-grid.js';
import { readSigmaSpacing, spreadSigmas } from './sigma-spacing.js';
import { finalSigma, initialSigma, timestepOfSigma, type FinalSigma, type SigmaSchedule } from './sigmas.js';
import { checkSteps, spacedTimesteps, TIMESTEP_SPACINGS } from './timesteps.js';

const { fround } = Math;

/** What differs among the schedulers that came from k-diffusion. */
export interface DiscreteOptions {
  /** @defaultValue 'zero' */
  readonly final?: FinalSigma;
  /** `log_linear`: sigmas even in ln σ over the whole of training. @defaultValue 'linear' */
  readonly interpolation?: 'linear' | 'log_linear';
  /** Karras sigmas keep to `sigma_min` and `sigma_max` of the configuration. @defaultValue true */
  readonly karrasRange?: boolean;
  /** Timesteps of Karras sigmas are whole. @defaultValue false */
  readonly wholeKarras?: boolean;
  /** False for classes that know no spacing of sigmas but the table's. @defaultValue true */
  readonly spreads?: boolean;
  /** Timesteps kept in float64, as DPM++ SDE keeps them. @defaultValue false */
  readonly wide?: boolean;
}

/** A schedule in σ, of the schedulers that came from k-diffusion. */
export interface DiscreteSchedule {
  /** Lays out the levels of `steps` steps, or the caller's own. */
  lay(steps: number, options: PlanOptions): SigmaSchedule;
  /** Deviation of the first latents. */
  initial(sigmas: readonly number[]): number;
  /** From σ to the timestep a model is told, fractional. */
  readonly timestepOf: (sigma: number) => number;
}

/**
 * Reads `timestep_spacing`, `steps_offset` and the spacing of sigmas, as Euler, Heun, LMS, DPM2 and DPM++ SDE in diffusers
 * 0.39 read them. Custom sigmas and timesteps, which only some of those classes take, all take here.
 */
export function discreteSchedule(
  name: string,
  reader: ConfigReader,
  table: NoiseTable,
  how: DiscreteOptions = {},
): DiscreteSchedule {
  const { final = 'zero', interpolation = 'linear', karrasRange = true, wholeKarras = false, spreads = true } = how;
  const timestepSpacing = reader.choice('timestep_spacing', TIMESTEP_SPACINGS, 'linspace');
  const stepsOffset = reader.integer('steps_offset', 0);
  const spacing = spreads ? readSigmaSpacing(reader) : 'table';
  const trainTimesteps = table.sigmas.length;
  const timestepOf = timestepOfSigma(table);
  const narrow = how.wide ? (value: number): number => value : fround;

  function lay(steps: number, options: PlanOptions): SigmaSchedule {
    checkSteps(name, steps, trainTimesteps);
    const custom = customLevels(name, steps, options, { timesteps: true, sigmas: true, last: trainTimesteps - 1 });
    if (custom.sigmas) {
      const given = custom.sigmas.map(fround);
      return { timesteps: given.slice(0, -1).map(timestepOf).map(narrow), sigmas: given };
    }
    if (custom.timesteps && spacing !== 'table') refuseCustom(name, spacing);
    let timesteps = (custom.timesteps ?? spacedTimesteps(timestepSpacing, steps, trainTimesteps, stepsOffset)).map(
      narrow,
    );
    let sigmas =
      interpolation === 'linear'
        ? timesteps.map((timestep) => interpolateTable(timestep, table.sigmas))
        : logLinearSigmas(table, steps);
    if (spacing !== 'table') {
      const ranged = spacing !== 'karras' || karrasRange;
      const most = (ranged ? reader.optionalNumber('sigma_max') : undefined) ?? sigmas[0]!;
      const least = (ranged ? reader.optionalNumber('sigma_min') : undefined) ?? sigmas[sigmas.length - 1]!;
      sigmas = spreadSigmas(spacing, most, least, steps);
      timesteps = sigmas.map(timestepOf).map(narrow);
      if (spacing === 'karras' && wholeKarras) timesteps = timesteps.map(roundHalfToEven);
    }
    return { timesteps, sigmas: [...sigmas, finalSigma(final, table)].map(fround) };
  }

  return { lay, initial: (sigmas) => initialSigma(timestepSpacing, sigmas), timestepOf };
}

/** Custom timesteps beside sigmas that are spread anew: the two say different things. */
export function refuseCustom(name: string, spacing: string): never {
  throw new SchedulerError(
    'scheduler/unsupported',
    `${name}: expected custom timesteps with the table's own sigmas, got ${spacing} sigmas beside them. ` +
      'Leave one of the two away.',
  );
}

/** `interpolation_type` log_linear: even in log σ over the whole of training, whatever the spacing. */
function logLinearSigmas(table: NoiseTable, steps: number): number[] {
  const top = Math.log(table.sigmas[table.sigmas.length - 1]!);
  const bottom = Math.log(table.sigmas[0]!);
  // One more than there are steps, as diffusers has it; the last is a step's end.
  return [...linspace(top, bottom, steps + 1)].map(Math.exp);
}
