/** Milliseconds each part took. Loading, compiling and tuning are counted apart from the parts they serve. */
export interface Timings {
  readonly loadMs: number;
  /**
   * Planning the parts and building their pipelines. Drivers that translate a kernel only when it first runs (Mesa's, so
   * lavapipe too) do so within the phase that runs it.
   */
  readonly compileMs: number;
  /** Finding the fastest kernels for the adapter; once they are known, looking them up: a few milliseconds. */
  readonly tuneMs: number;
  readonly textMs: number;
  /** Encoding the pictures to begin with. */
  readonly encodeMs: number;
  readonly denoiseMs: number;
  readonly decodeMs: number;
  /** Previews of steps, apart from the denoising they interrupt. */
  readonly previewMs: number;
  readonly totalMs: number;
}

/** What a picture's time is shared out over, loading apart. */
export type Phase = 'textMs' | 'encodeMs' | 'denoiseMs' | 'decodeMs' | 'previewMs';

/** Times the phases of a run; loading within a phase counts as loading. */
export class Clock {
  private readonly started = performance.now();
  private readonly phases: Record<Phase, number> = { textMs: 0, encodeMs: 0, denoiseMs: 0, decodeMs: 0, previewMs: 0 };
  /** What is counted already: loading, compiling, and phases that ended. */
  private counted = 0;
  private loadMs = 0;
  private compileMs = 0;
  private tuneMs = 0;

  /** Takes note of time spent on compiling. */
  compiled(ms: number): void {
    this.compileMs += ms;
    this.counted += ms;
  }

  /** Does what counts as compiling: planning. */
  planning<T>(body: () => T): T {
    const started = performance.now();
    const result = body();
    this.compiled(performance.now() - started);
    return result;
  }

  /** Takes note of time spent on loading. */
  loaded(ms: number): void {
    this.loadMs += ms;
    this.counted += ms;
  }

  /** Takes note of time spent on tuning. */
  tuned(ms: number): void {
    this.tuneMs += ms;
  }

  /** Runs a phase; what a phase within it takes counts for that one only. */
  async time<T>(phase: Phase, body: () => Promise<T>): Promise<T> {
    const started = performance.now();
    const countedBefore = this.counted;
    const result = await body();
    const spent = performance.now() - started - (this.counted - countedBefore);
    this.phases[phase] += spent;
    this.counted += spent;
    return result;
  }

  /** Milliseconds so far. */
  timings(): Timings {
    return {
      loadMs: this.loadMs,
      compileMs: this.compileMs,
      tuneMs: this.tuneMs,
      ...this.phases,
      totalMs: performance.now() - this.started,
    };
  }
}
