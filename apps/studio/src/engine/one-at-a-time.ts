/** Work that has the GPU to itself. */
interface Work {
  /** What it is about. */
  readonly about: string | undefined;
  readonly stop: AbortController;
  readonly done: Promise<unknown>;
}

/** Lets one thing be done at a time, which can be cancelled. */
export class OneAtATime {
  private running: Work | undefined;

  /**
   * Begins something; nothing where another is under way.
   *
   * @param about - What it needs, so that {@link end} can stop what is about it; absent where it needs nothing.
   */
  start<T>(about: string | undefined, body: (signal: AbortSignal) => Promise<T>): Promise<T> | undefined {
    if (this.running) return undefined;
    const stop = new AbortController();
    const done = body(stop.signal).finally(() => (this.running = undefined));
    this.running = { about, stop, done };
    return done;
  }

  /** Stops what is under way. */
  cancel(): void {
    this.running?.stop.abort();
  }

  /** Stops what is about this, if that is under way, and waits for its end. */
  async end(about: string): Promise<void> {
    if (this.running?.about !== about) return;
    this.cancel();
    await this.running.done.catch(() => undefined); // whoever began it is told
  }
}
