/** How far a download is. */
export interface DownloadProgress {
  /** The model, as it was named. */
  readonly model: string;
  /** `listing`: asking the Hub; `downloading`, which goes on from what is there; `waiting`: another process or tab has it in hand. */
  readonly phase: 'listing' | 'downloading' | 'waiting';
  /** Bytes that are here and checked, of all files that are needed; it may fall when a file came wrong. */
  readonly loadedBytes: number;
  /** Bytes of all files that are needed. */
  readonly totalBytes: number;
  readonly loadedFiles: number;
  readonly totalFiles: number;
  /** Of the last few seconds; 0 before anything came. */
  readonly bytesPerSecond: number;
  /** At that rate; undefined before anything came. */
  readonly leftMs: number | undefined;
}

/** The progress of a download that is about to ask the Hub what there is. */
export function listingProgress(model: string): DownloadProgress {
  return {
    model,
    phase: 'listing',
    loadedBytes: 0,
    totalBytes: 0,
    loadedFiles: 0,
    totalFiles: 0,
    bytesPerSecond: 0,
    leftMs: undefined,
  };
}

/** Rate of the last few seconds, and no more reports than a screen can show. */
const windowMs = 5000;
const everyMs = 100;

/** Adds up the files of one download and reports them. */
export class DownloadMeter {
  private readonly positions = new Map<string, number>();
  private readonly received: { at: number; bytes: number }[] = [];
  private loaded = 0;
  private reported = -Infinity;
  private waiting = 0;
  private loadedFiles = 0;

  /** @param now - Milliseconds of a clock. */
  constructor(
    private readonly model: string,
    private readonly files: readonly { readonly path: string; readonly size: number }[],
    private readonly report: ((progress: DownloadProgress) => void) | undefined,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** A file is at a position; `received` bytes of that came just now. */
  at(path: string, position: number, received = 0): void {
    this.loaded += position - (this.positions.get(path) ?? 0);
    this.positions.set(path, position);
    if (received > 0) {
      const at = this.now();
      const last = this.received.at(-1);
      // One entry a tenth of a second is fine enough.
      if (last && at - last.at < everyMs) last.bytes += received;
      else this.received.push({ at, bytes: received });
    }
    this.tell();
  }

  /** A file is there. */
  done(path: string, size: number): void {
    this.loadedFiles++;
    this.at(path, size);
  }

  /** Another process or tab has a file in hand (+1), or no longer (−1). */
  wait(change: 1 | -1): void {
    this.waiting += change;
    this.tell(true);
  }

  /** Tells the state now, whenever it was told last. */
  tell(urgent = false): void {
    const now = this.now();
    if (!this.report || (!urgent && now - this.reported < everyMs)) return;
    this.reported = now;
    const totalBytes = this.files.reduce((sum, { size }) => sum + size, 0);
    while (this.received[0] && now - this.received[0].at > windowMs) this.received.shift();
    const [first] = this.received;
    const bytes = this.received.reduce((sum, each) => sum + each.bytes, 0);
    // A first piece says nothing about a rate: at least a second is taken for it.
    const bytesPerSecond = first ? (bytes * 1000) / Math.max(1000, now - first.at) : 0;
    this.report({
      model: this.model,
      phase: this.waiting > 0 && bytesPerSecond === 0 ? 'waiting' : 'downloading',
      loadedBytes: this.loaded,
      totalBytes,
      loadedFiles: this.loadedFiles,
      totalFiles: this.files.length,
      bytesPerSecond,
      leftMs: bytesPerSecond > 0 ? ((totalBytes - this.loaded) * 1000) / bytesPerSecond : undefined,
    });
  }
}
