import { randomUUID } from 'node:crypto';
import type { PictureFormat } from './encode-picture.js';

/** A picture as it is kept. */
export interface KeptPicture {
  readonly bytes: Uint8Array;
  /** Media type. */
  readonly type: `image/${PictureFormat}`;
}

interface Kept extends KeptPicture {
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

  /** Keeps a picture. @returns The name to fetch it by, which cannot be guessed. */
  put(bytes: Uint8Array, format: PictureFormat): string {
    const name = `${randomUUID()}.${format}`;
    this.kept.set(name, { bytes, type: `image/${format}`, until: this.now() + this.lifetimeMs });
    this.bytes += bytes.length;
    this.tidy();
    return name;
  }

  /** A picture, if it is still there. */
  get(name: string): KeptPicture | undefined {
    this.tidy();
    return this.kept.get(name);
  }

  /** Pictures are in order of age, so both bounds take from the front. The last one stays whatever its size. */
  private tidy(): void {
    for (const [name, { bytes, until }] of this.kept) {
      const tooMuch = this.bytes > this.mostBytes && this.kept.size > 1;
      if (until > this.now() && !tooMuch) return;
      this.kept.delete(name);
      this.bytes -= bytes.length;
    }
  }
}
