/** How far something long is. */
export interface Progress {
  /** Units of work done, e.g. weights. */
  readonly done: number;
  readonly total: number;
  /** At the pace so far; absent before there is one. */
  readonly secondsLeft?: number;
}

/** Counts work and tells how far it is. */
export class ProgressMeter {
  private done = 0;
  private skipped = 0;
  private readonly start: number;

  /**
   * @param total - Units of work.
   * @param report - Told after each piece of work.
   * @param now - A clock in milliseconds; tests put in their own.
   */
  constructor(
    private readonly total: number,
    private readonly report: ((progress: Progress) => void) | undefined,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.start = now();
  }

  /** Counts work that was done earlier, e.g. before a resumption: it took no time now. */
  skip(units: number): void {
    this.skipped += units;
    this.add(units);
  }

  /** Counts a piece of work as done. */
  add(units: number): void {
    this.done += units;
    if (!this.report) return;
    const seconds = (this.now() - this.start) / 1000;
    const now = this.done - this.skipped;
    const secondsLeft = now > 0 ? (seconds / now) * (this.total - this.done) : undefined;
    this.report({ done: this.done, total: this.total, secondsLeft });
  }
}
