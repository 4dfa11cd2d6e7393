import type { Failure } from '../engine/protocol.js';

/** Answers that a worker owes: when it dies, they end with `engine/died` instead of never. */
export class Lifeline {
  private readonly owed = new Set<(why: string) => void>();

  /** Waits for an answer, or for the worker's death. */
  async hold<T>(answer: Promise<T>): Promise<T | Failure> {
    let settle!: (why: string) => void;
    const died = new Promise<Failure>((resolve) => {
      settle = (message) => resolve({ kind: 'failed', code: 'engine/died', message });
    });
    this.owed.add(settle);
    try {
      return await Promise.race([answer, died]);
    } finally {
      this.owed.delete(settle);
    }
  }

  /** The worker has died: ends all that it still owes. */
  cut(why: string): void {
    for (const settle of this.owed) settle(why);
    this.owed.clear();
  }
}
