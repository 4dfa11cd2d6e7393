/** Milliseconds each part took. Loading and tuning are counted apart from the parts they serve. */
export interface Timings {
  readonly loadMs: number;
  /** Finding the fastest kernels for the adapter; next to nothing once they are known. */
  readonly tuneMs: number;
  readonly textMs: number;
  readonly denoiseMs: number;
  readonly decodeMs: number;
  readonly totalMs: number;
}

/** What a picture's time is shared out over, loading apart. */
export type Phase = 'textMs' | 'denoiseMs' | 'decodeMs';

/** Times the phases of a run; loading within a phase counts as loading. */
export class Clock {
  private readonly started = performance.now();
  private readonly phases: Record<Phase, number> = { textMs: 0, denoiseMs: 0, decodeMs: 0 };
  private loadMs = 0;
  private tuneMs = 0;

  /** Takes note of time spent on loading or compiling. */
  loaded(ms: number): void {
    this.loadMs += ms;
  }

  /** Takes note of time spent on tuning. */
  tuned(ms: number): void {
    this.tuneMs += ms;
  }

  /** Runs a phase. */
  async time<T>(phase: Phase, body: () => Promise<T>): Promise<T> {
    const started = performance.now();
    const loadedBefore = this.loadMs;
    const result = await body();
    this.phases[phase] += performance.now() - started - (this.loadMs - loadedBefore);
    return result;
  }

  /** Milliseconds so far. */
  timings(): Timings {
    return { loadMs: this.loadMs, tuneMs: this.tuneMs, ...this.phases, totalMs: performance.now() - this.started };
  }
}
