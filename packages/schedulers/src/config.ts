import { SchedulerError } from './errors.js';

/**
 * What a diffusers `scheduler_config.json` holds: snake_case keys, all optional. Keys a scheduler does not know are
 * ignored, as diffusers ignores them; keys it leaves out take that scheduler's own defaults in diffusers 0.39.
 */
export interface SchedulerConfig {
  /** The diffusers class, e.g. `EulerDiscreteScheduler`. */
  readonly _class_name?: string;
  readonly num_train_timesteps?: number;
  readonly beta_start?: number;
  readonly beta_end?: number;
  readonly beta_schedule?: string;
  readonly trained_betas?: readonly number[] | null;
  readonly prediction_type?: string;
  readonly timestep_spacing?: string;
  readonly steps_offset?: number;
  readonly rescale_betas_zero_snr?: boolean;
  readonly use_karras_sigmas?: boolean | null;
  readonly [key: string]: unknown;
}

/**
 * Parses the text of a `scheduler_config.json`.
 *
 * Python writes infinities as the bare words `Infinity` and `-Infinity` (DPM-Solver configurations carry
 * `"lambda_min_clipped": -Infinity`), which `JSON.parse` refuses; they are read here as numbers.
 *
 * @throws SchedulerError `scheduler/config` when the text is not a JSON object.
 */
export function parseSchedulerConfig(text: string): SchedulerConfig {
  // Words inside strings must stay: match strings first and give them back untouched.
  const quoted = text.replace(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (token) =>
    token.startsWith('"') ? token : token === 'NaN' ? 'null' : token.startsWith('-') ? '-1e999' : '1e999',
  );
  let value: unknown;
  try {
    value = JSON.parse(quoted);
  } catch (cause) {
    throw new SchedulerError(
      'scheduler/config',
      'parseSchedulerConfig: expected the JSON text of a scheduler_config.json, got text that does not parse. ' +
        'Check that the file arrived whole.',
      { cause },
    );
  }
  if (!isObject(value)) {
    throw new SchedulerError(
      'scheduler/config',
      `parseSchedulerConfig: expected a JSON object, got ${Array.isArray(value) ? 'an array' : String(value)}. ` +
        'Pass the contents of scheduler/scheduler_config.json.',
    );
  }
  return value;
}

function isObject(value: unknown): value is SchedulerConfig {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads one configuration with types and defaults; every complaint names scheduler, key, choices and cure. */
export class ConfigReader {
  constructor(
    private readonly config: SchedulerConfig,
    private readonly scheduler: string,
  ) {}

  /** A finite or infinite number; absent and null give the default. */
  number(key: string, fallback: number): number {
    const value = this.config[key] ?? fallback;
    if (typeof value !== 'number' || Number.isNaN(value)) this.fail(key, 'a number', value);
    return value;
  }

  /** As {@link number}, but absent and null stay undefined. */
  optionalNumber(key: string): number | undefined {
    return this.config[key] === undefined || this.config[key] === null ? undefined : this.number(key, 0);
  }

  /** A whole number of at least `least`. */
  integer(key: string, fallback: number, least = Number.MIN_SAFE_INTEGER): number {
    const value = this.number(key, fallback);
    if (!Number.isSafeInteger(value) || value < least) {
      this.fail(key, least > Number.MIN_SAFE_INTEGER ? `a whole number of at least ${least}` : 'a whole number', value);
    }
    return value;
  }

  /** A flag; absent and null give the default. */
  flag(key: string, fallback: boolean): boolean {
    const value = this.config[key] ?? fallback;
    if (typeof value !== 'boolean') this.fail(key, 'true or false', value);
    return value;
  }

  /** One of a list of words; absent and null give the default. */
  choice<T extends string>(key: string, choices: readonly T[], fallback: T): T {
    const value = this.config[key] ?? fallback;
    const found = choices.find((choice) => choice === value);
    if (found === undefined) this.fail(key, choices.map((choice) => `"${choice}"`).join(' or '), value);
    return found;
  }

  /** A list of numbers, or undefined when absent or null. */
  numbers(key: string): readonly number[] | undefined {
    const value = this.config[key];
    if (value === undefined || value === null) return undefined;
    if (!Array.isArray(value) || value.length === 0 || !value.every((item) => Number.isFinite(item))) {
      this.fail(key, 'a list of finite numbers', value);
    }
    return value as readonly number[];
  }

  /** A list of step numbers; absent and null are none. */
  steps(key: string): readonly number[] {
    const value = this.config[key] ?? [];
    if (!Array.isArray(value) || !value.every((item) => Number.isInteger(item))) {
      this.fail(key, 'a list of whole numbers', value);
    }
    return value as readonly number[];
  }

  /** Refuses a flag or word that asks for something not done here. */
  refuse(key: string, unless: (value: unknown) => boolean, cure: string): void {
    const value = this.config[key];
    if (value === undefined || value === null || unless(value)) return;
    throw new SchedulerError(
      'scheduler/unsupported',
      `${this.scheduler}: expected no "${key}", got ${JSON.stringify(value)}, which is not supported. ${cure}`,
    );
  }

  /**
   * Refuses clipping and thresholding of x̂0: they are not linear, and are meant for pixels.
   *
   * @param clipsByDefault - What a missing `clip_sample` means to this scheduler.
   */
  refuseClipping(clipsByDefault: boolean): void {
    const cure = 'Latent diffusion models are used without it: override it with false.';
    if (this.flag('clip_sample', clipsByDefault)) {
      throw new SchedulerError(
        'scheduler/unsupported',
        `${this.scheduler}: expected "clip_sample" to be false, got true` +
          `${this.config['clip_sample'] === true ? '' : ' (what a missing key means)'}. ${cure}`,
      );
    }
    this.refuse('thresholding', (value) => value === false, cure);
  }

  /** Throws for a bad value of `key`. */
  fail(key: string, expected: string, got: unknown): never {
    throw new SchedulerError(
      'scheduler/config',
      `${this.scheduler}: expected "${key}" to be ${expected}, got ${JSON.stringify(got) ?? String(got)}. ` +
        'Correct scheduler_config.json, or override that key.',
    );
  }
}
