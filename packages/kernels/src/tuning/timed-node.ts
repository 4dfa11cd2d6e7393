import { throwIfCancelled, type Device, type Program } from '@pleinair/tensor';
import type { Reading, TimedVariant } from './contest.js';
import { NODE_SEGMENT } from './node-graph.js';
import { processorMs } from './processor-time.js';
import { openNodeProgram, type NodeProgramOptions } from './node-program.js';
import type { TuningSubject } from './subject.js';

/** How long one reading takes at least. */
export interface ReadingOptions extends NodeProgramOptions {
  /** Milliseconds the shorter of a reading's two submissions should take. */
  readonly readingMs: number;
}

/** A run that takes this long is read by itself: the cost of submitting it no longer shows. */
const longRunMs = 40;

/** Runs beyond this are cut into slices like any run, for the sake of watchdogs and cancelling. */
const sliceRunMs = 400;

/** Runs in one submission at most. */
const mostRepeats = 512;

/**
 * Sets a variant of a shape up and runs it until it is warm: kernels translated, memory touched.
 *
 * @throws What `compileProgram` and `Program.run` throw.
 */
export async function openTimedNode(
  device: Device,
  subject: TuningSubject,
  options: ReadingOptions,
): Promise<TimedVariant> {
  const program = await openNodeProgram(device, subject, options);
  try {
    // The first run translates kernels on some drivers; in slices, as it may take any time.
    await program.run(NODE_SEGMENT, { signal: options.signal });
    throwIfCancelled(options.signal, 'tuning');
    const node = new TimedNode(program, options);
    await node.warmUp();
    return node;
  } catch (error) {
    program.dispose();
    throw error;
  }
}

class TimedNode implements TimedVariant {
  /** The least one run has taken, its share of the submission's cost included. */
  private leastMs = Infinity;

  constructor(
    private readonly program: Program,
    private readonly options: ReadingOptions,
  ) {}

  /** Finds out roughly how long a run takes. */
  async warmUp(): Promise<void> {
    await this.timed(1);
    if (this.leastMs < longRunMs) await this.timed(2);
  }

  /**
   * The difference between N and 2N runs, shared out: whatever a submission costs cancels. Where the clock of a busy
   * machine shows no difference, the longer of the two by itself.
   */
  async read(): Promise<Reading> {
    throwIfCancelled(this.options.signal, 'tuning');
    if (this.leastMs >= sliceRunMs) return this.sliced();
    if (this.leastMs >= longRunMs) return this.timed(1);
    const repeats = Math.min(mostRepeats, Math.max(1, Math.ceil(this.options.readingMs / this.leastMs)));
    const short = await this.timed(repeats);
    const long = await this.timed(2 * repeats);
    const each = (a: number, b: number): number => (b > a ? (b - a) / repeats : b / (2 * repeats));
    const ms = each(short.ms, long.ms);
    if (short.processorMs === undefined || long.processorMs === undefined) return { ms };
    return { ms, processorMs: each(short.processorMs, long.processorMs) };
  }

  close(): void {
    this.program.dispose();
  }

  private async timed(repeats: number): Promise<Reading> {
    const atLeastMs = this.leastMs < Infinity ? 0.8 * this.leastMs * repeats : 0;
    const reading = await this.measured(() => this.program.timeRepeats(NODE_SEGMENT, { repeats, atLeastMs }));
    this.leastMs = Math.min(this.leastMs, reading.ms / repeats);
    return reading;
  }

  private sliced(): Promise<Reading> {
    return this.measured(async () => {
      const started = performance.now();
      await this.program.run(NODE_SEGMENT, { signal: this.options.signal });
      return performance.now() - started;
    });
  }

  /** What a run took, and what of the processor's time where the adapter is software. */
  private async measured(run: () => Promise<number>): Promise<Reading> {
    if (!this.program.device.profile.isSoftware) return { ms: await run() };
    const before = processorMs();
    const ms = await run();
    const after = processorMs();
    return before === undefined || after === undefined ? { ms } : { ms, processorMs: after - before };
  }
}
