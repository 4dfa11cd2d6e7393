import { randomUUID } from 'node:crypto';

interface Kept {
  readonly png: Uint8Array;
  readonly until: number;
}

/** Pictures that clients fetch by address, kept in memory for a while: the API promises an hour. */
export class PictureStore {
  private readonly kept = new Map<string, Kept>();
  private bytes = 0;

  /**
   * @param lifetimeMs - How long a picture can be fetched.
   * @param mostBytes - Beyond this the oldest go, whatever their age.
   */
  constructor(
    private readonly lifetimeMs = 3_600_000,
    private readonly mostBytes = 256 * 1024 * 1024,
    private readonly now: () => number = Date.now,
  ) {}

  /** Keeps a picture. @returns The name to fetch it by. */
  put(png: Uint8Array): string {
    const name = `${randomUUID()}.png`;
    this.kept.set(name, { png, until: this.now() + this.lifetimeMs });
    this.bytes += png.length;
    this.tidy();
    return name;
  }

  /** A picture, if it is still there. */
  get(name: string): Uint8Array | undefined {
    this.tidy();
    return this.kept.get(name)?.png;
  }

  /** Pictures are in order of age, so both bounds take from the front. The last one stays whatever its size. */
  private tidy(): void {
    for (const [name, { png, until }] of this.kept) {
      const tooMuch = this.bytes > this.mostBytes && this.kept.size > 1;
      if (until > this.now() && !tooMuch) return;
      this.kept.delete(name);
      this.bytes -= png.length;
    }
  }
}
