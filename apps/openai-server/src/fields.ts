import { ApiError, invalid } from './api-error.js';

/**
 * The named values of a request's body, read one by one. `null` stands for absent, as in the API; in a form, where all
 * values are text, numbers and truth are read out of it.
 */
export class Fields {
  constructor(
    private readonly values: Readonly<Record<string, unknown>>,
    private readonly source: 'json' | 'form' = 'json',
  ) {}

  /**
   * Refuses what nobody knows: a misspelt name would otherwise be passed over in silence.
   *
   * @throws {@link ApiError} 400 `unknown_parameter`, in the API's words.
   */
  expectOnly(known: ReadonlySet<string>): void {
    for (const name of Object.keys(this.values)) {
      if (known.has(name)) continue;
      throw new ApiError(400, `Unknown parameter: '${name}'.`, { param: name, code: 'unknown_parameter' });
    }
  }

  /** Whether there is a value. */
  has(name: string): boolean {
    return this.raw(name) !== undefined;
  }

  /** The value as it came. */
  raw(name: string): unknown {
    return Object.hasOwn(this.values, name) ? (this.values[name] ?? undefined) : undefined;
  }

  /** @throws {@link ApiError} 400 */
  text(name: string): string | undefined {
    const value = this.raw(name);
    if (value === undefined || typeof value === 'string') return value;
    throw invalid(name, `${name}: expected a text, got ${told(value)}.`);
  }

  /** One of some words. @throws {@link ApiError} 400 */
  oneOf<Word extends string>(name: string, words: readonly Word[], hint = ''): Word | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    const word = words.find((one) => one === value);
    if (word !== undefined) return word;
    throw invalid(name, `${name}: expected ${words.join(', ')}, got ${told(value)}.${hint}`);
  }

  /** @throws {@link ApiError} 400 */
  flag(name: string): boolean | undefined {
    const value = this.raw(name);
    if (value === undefined || typeof value === 'boolean') return value;
    if (this.source === 'form' && (value === 'true' || value === 'false')) return value === 'true';
    throw invalid(name, `${name}: expected true or false, got ${told(value)}.`);
  }

  /** @throws {@link ApiError} 400 */
  number(name: string, least: number, most: number): number | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    const read = this.source === 'form' && typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (typeof read === 'number' && read >= least && read <= most) return read;
    throw invalid(name, `${name}: expected a number from ${least} to ${most}, got ${told(value)}.`);
  }

  /** @throws {@link ApiError} 400 */
  whole(name: string, least: number, most: number): number | undefined {
    const value = this.number(name, least, most);
    if (value === undefined || Number.isInteger(value)) return value;
    throw invalid(name, `${name}: expected a whole number, got ${value}.`);
  }
}

/** A value in a message, short. */
export function told(value: unknown): string {
  const json = JSON.stringify(value) ?? 'nothing';
  return json.length > 60 ? `${json.slice(0, 57)}…` : json;
}
