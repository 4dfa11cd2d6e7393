import type { ConfigReader } from '../config.js';
import { SchedulerError } from '../errors.js';
import { torchLinspace } from './numpy-grid.js';

const { fround } = Math;

/**
 * The training noise schedule, one entry a training timestep.
 *
 * diffusers keeps these tables in float32, and near timestep 0 that shows: 1 − ᾱ is a small difference of rounded
 * numbers (off by 4e-5 there). So they are computed here with float32's roundings, and everything after them in
 * float64.
 */
export interface NoiseTable {
  /** ᾱ: how much of the variance at each timestep is signal. */
  readonly alphasCumprod: Float32Array;
  /** σ = √((1 − ᾱ) / ᾱ): noise over signal. */
  readonly sigmas: Float32Array;
}

/** What differs between schedulers in reading their table. */
export interface NoiseTableOptions {
  /**
   * Value the last ᾱ takes under `rescale_betas_zero_snr`, so that σ stays finite: diffusers uses 2^-24 in the
   * schedulers that divide by it, and none in DDIM.
   */
  readonly zeroSnrFloor?: number;
  /**
   * False for schedulers that have no `rescale_betas_zero_snr` in diffusers, and so ignore the key.
   * @defaultValue true
   */
  readonly rescales?: boolean;
  /**
   * First and last beta where the configuration is silent.
   * @defaultValue [0.0001, 0.02]
   */
  readonly betaRange?: readonly [number, number];
  /**
   * The kind of schedule where the configuration is silent.
   * @defaultValue 'linear'
   */
  readonly betaSchedule?: BetaSchedule;
}

/** How betas grow over the training timesteps. */
export type BetaSchedule = 'linear' | 'scaled_linear' | 'squaredcos_cap_v2';

/** ᾱ of the last timestep under `rescale_betas_zero_snr`: float16's least number, as in diffusers. */
export const ZERO_SNR_FLOOR = 2 ** -24;

/**
 * Builds the table from a configuration: `beta_schedule` linear, scaled_linear or squaredcos_cap_v2, or
 * `trained_betas`; `rescale_betas_zero_snr`. Source: diffusers 0.39 `schedulers/scheduling_euler_discrete.py`.
 *
 * @param reader - The configuration.
 * @param options - What the scheduler at hand does differently.
 * @throws SchedulerError `scheduler/config` for values outside their choices.
 */
export function buildNoiseTable(reader: ConfigReader, options: NoiseTableOptions = {}): NoiseTable {
  const { zeroSnrFloor, rescales = true, betaRange = [0.0001, 0.02], betaSchedule = 'linear' } = options;
  let betas = readBetas(reader, betaRange, betaSchedule);
  const rescale = rescales && reader.flag('rescale_betas_zero_snr', false);
  if (rescale) betas = rescaleToZeroTerminalSnr(betas);
  const alphasCumprod = cumulativeAlphas(betas);
  if (rescale && zeroSnrFloor !== undefined) alphasCumprod[alphasCumprod.length - 1] = zeroSnrFloor;
  return { alphasCumprod, sigmas: alphasCumprod.map((alpha) => Math.sqrt(fround(fround(1 - alpha) / alpha))) };
}

/**
 * ᾱ at a timestep.
 *
 * @throws SchedulerError `scheduler/steps` past the end of the table, where `steps_offset` can push leading spacing.
 */
export function alphaAt(scheduler: string, { alphasCumprod }: NoiseTable, timestep: number): number {
  const alpha = alphasCumprod[timestep];
  if (alpha !== undefined) return alpha;
  throw new SchedulerError(
    'scheduler/steps',
    `${scheduler}: expected timesteps from 0 to ${alphasCumprod.length - 1}, got ${timestep}. ` +
      'steps_offset is too large for this number of steps: use fewer steps.',
  );
}

function readBetas(
  reader: ConfigReader,
  [defaultStart, defaultEnd]: readonly [number, number],
  schedule: BetaSchedule,
): Float32Array {
  const count = reader.integer('num_train_timesteps', 1000, 1);
  const trained = reader.numbers('trained_betas');
  if (trained) {
    if (trained.length !== count) {
      reader.fail('trained_betas', `as long as num_train_timesteps (${count})`, `${trained.length} values`);
    }
    return Float32Array.from(trained);
  }
  const start = reader.number('beta_start', defaultStart);
  const end = reader.number('beta_end', defaultEnd);
  switch (reader.choice('beta_schedule', ['linear', 'scaled_linear', 'squaredcos_cap_v2'], schedule)) {
    case 'linear':
      return torchLinspace(start, end, count);
    case 'scaled_linear':
      return torchLinspace(Math.sqrt(start), Math.sqrt(end), count).map((root) => root * root);
    case 'squaredcos_cap_v2':
      return cosineBetas(count);
  }
}

/** ᾱ at a fraction t of the schedule. */
function cosineAlphaBar(t: number): number {
  return Math.cos((((t + 0.008) / 1.008) * Math.PI) / 2) ** 2;
}

/** Betas from a squared-cosine ᾱ, capped at 0.999 (improved DDPM, arXiv 2102.09672, eq. 17). */
function cosineBetas(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) =>
    Math.min(1 - cosineAlphaBar((i + 1) / count) / cosineAlphaBar(i / count), 0.999),
  );
}

/** ᾱ as torch.cumprod gives it: running product in float64, each entry stored as float32. */
function cumulativeAlphas(betas: Float32Array): Float32Array {
  let product = 1;
  return betas.map((beta) => (product *= fround(1 - beta)));
}

/** Shifts and scales √ᾱ so that the last timestep carries no signal (arXiv 2305.08891, algorithm 1), in float32. */
function rescaleToZeroTerminalSnr(betas: Float32Array): Float32Array {
  const roots = cumulativeAlphas(betas).map((alpha) => Math.sqrt(alpha));
  const first = roots[0]!;
  const last = roots[roots.length - 1]!;
  const scale = fround(first / fround(first - last));
  const alphaBars = roots.map((root) => fround(fround(root - last) * scale)).map((root) => root * root);
  return alphaBars.map((alpha, i) => 1 - (i === 0 ? alpha : fround(alpha / alphaBars[i - 1]!)));
}
