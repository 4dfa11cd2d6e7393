/** The queue is full. */
export class QueueFullError extends Error {}

/** The queue takes nothing any more. */
export class QueueClosedError extends Error {}

interface Waiting {
  readonly start: () => void;
  readonly fail: (error: unknown) => void;
}

/** Runs one piece of work at a time, in the order of asking; a GPU has no use for two at once. */
export class TurnQueue {
  private readonly queue: Waiting[] = [];
  private busy = false;
  private closed = false;
  private idle: (() => void)[] = [];

  /** @param most - How many may wait besides the one that runs. */
  constructor(private readonly most: number) {}

  /** How many wait. */
  get waiting(): number {
    return this.queue.length;
  }

  /** Whether something runs. */
  get running(): boolean {
    return this.busy;
  }

  /**
   * Runs `work` when its turn comes. A signal that fires before takes it out of the queue at once.
   *
   * @throws {@link QueueFullError} {@link QueueClosedError}, the signal's reason, or what `work` throws.
   */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.closed) throw new QueueClosedError();
    signal.throwIfAborted();
    if (this.busy) await this.turn(signal);
    this.busy = true;
    try {
      return await work();
    } finally {
      this.busy = false;
      const next = this.queue.shift();
      if (next) {
        // Taken before the next one runs, lest a newcomer slip in between.
        this.busy = true;
        next.start();
      } else for (const resolve of this.idle.splice(0)) resolve();
    }
  }

  /** Takes nothing more, fails what waits with {@link QueueClosedError}, and waits for what runs. */
  async close(): Promise<void> {
    this.closed = true;
    for (const { fail } of this.queue.splice(0)) fail(new QueueClosedError());
    if (this.busy) await new Promise<void>((resolve) => this.idle.push(resolve));
  }

  private turn(signal: AbortSignal): Promise<void> {
    if (this.queue.length >= this.most) throw new QueueFullError();
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.queue.splice(this.queue.indexOf(waiting), 1);
        reject(signal.reason);
      };
      const waiting: Waiting = {
        start: () => {
          signal.removeEventListener('abort', leave);
          resolve();
        },
        fail: (error) => {
          signal.removeEventListener('abort', leave);
          reject(error);
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      this.queue.push(waiting);
    });
  }
}
