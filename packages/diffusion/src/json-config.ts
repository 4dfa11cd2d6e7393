import { PleinairError } from '@pleinair/tensor';

/** A model's config names something this library does not know, or lacks something it needs. */
export class ConfigError extends PleinairError {}

/** Reads typed fields from a parsed `config.json`, with errors that name file and field. */
export class JsonConfig {
  constructor(
    /** What to call the file in errors, e.g. `unet/config.json`. */
    readonly file: string,
    private readonly values: Readonly<Record<string, unknown>>,
  ) {}

  has(key: string): boolean {
    return this.values[key] !== undefined && this.values[key] !== null;
  }

  number(key: string, fallback?: number): number {
    const value = this.get(key, fallback);
    if (typeof value !== 'number' || !Number.isFinite(value)) throw this.wrong(key, 'a number', value);
    return value;
  }

  /** A positive whole number. */
  size(key: string, fallback?: number): number {
    const value = this.number(key, fallback);
    if (!Number.isInteger(value) || value <= 0) throw this.wrong(key, 'a positive whole number', value);
    return value;
  }

  boolean(key: string, fallback?: boolean): boolean {
    const value = this.get(key, fallback);
    if (typeof value !== 'boolean') throw this.wrong(key, 'true or false', value);
    return value;
  }

  string(key: string, fallback?: string): string {
    const value = this.get(key, fallback);
    if (typeof value !== 'string') throw this.wrong(key, 'a string', value);
    return value;
  }

  strings(key: string): readonly string[] {
    const value = this.get(key);
    if (!Array.isArray(value) || value.some((v) => typeof v !== 'string'))
      throw this.wrong(key, 'a list of strings', value);
    return value as string[];
  }

  sizes(key: string): readonly number[] {
    const value = this.get(key);
    if (!Array.isArray(value) || value.length === 0 || value.some((v) => !Number.isInteger(v) || (v as number) <= 0)) {
      throw this.wrong(key, 'a list of positive whole numbers', value);
    }
    return value as number[];
  }

  /** One number for all `length` levels, or a list of that many. */
  perLevel(key: string, length: number, fallback?: number): readonly number[] {
    const value = this.get(key, fallback);
    if (typeof value === 'number') return Array.from({ length }, () => this.size(key, fallback));
    const list = this.sizes(key);
    if (list.length !== length) throw this.wrong(key, `${length} numbers, one a level`, value);
    return list;
  }

  /** Throws unless the field is absent or one of `known`. */
  oneOf<T extends string>(key: string, known: readonly T[], fallback: T): T {
    const value = this.get(key, fallback);
    if (!known.includes(value as T)) throw this.wrong(key, `one of ${known.map((k) => `"${k}"`).join(', ')}`, value);
    return value as T;
  }

  /** Throws unless the field is absent, null, or one of `values`: those under which nothing else is computed. */
  refuseUnless(key: string, values: readonly unknown[]): void {
    const value = this.values[key];
    if (value === undefined || value === null || values.includes(value)) return;
    const known = values.map((each) => JSON.stringify(each)).join(' or ');
    throw new ConfigError(
      'config/unsupported',
      `${this.file}: expected "${key}" to be ${known}, got ${JSON.stringify(value)}, which would compute something else. ` +
        'This version does not run such a model.',
    );
  }

  private get(key: string, fallback?: unknown): unknown {
    const value = this.values[key];
    return value === undefined || value === null ? fallback : value;
  }

  private wrong(key: string, expected: string, got: unknown): ConfigError {
    return new ConfigError(
      'config/unsupported',
      `${this.file}: expected "${key}" to be ${expected}, got ${JSON.stringify(got) ?? 'nothing'}. ` +
        'Check that the file belongs to a Stable Diffusion model in diffusers layout.',
    );
  }
}
