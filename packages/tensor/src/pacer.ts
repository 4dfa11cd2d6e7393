import type { DeviceProfile } from './profile.js';

/** What one dispatch is expected to cost: figures of a {@link Dispatch}. */
export interface Cost {
  readonly flops: number;
  /** Work really done, where that is not the direct algorithm's. */
  readonly executedFlops?: number;
  readonly bytesMoved: number;
}

/**
 * Decides how much work one submission takes. A roofline with first guesses for the two kinds of adapter gives a
 * dispatch's time; a factor learnt from how long slices really took corrects it. Learning is damped, because a slice
 * may hold a driver's one-time shader translation, which on software adapters takes seconds.
 */
export class Pacer {
  /** Milliseconds a slice should take: short enough for a browser to draw in between and for quick cancels. */
  readonly targetMs = 80;
  private readonly flopsPerMs: number;
  private readonly bytesPerMs: number;
  private readonly dispatchMs: number;
  private factor = 1;
  private learnt = 0;
  private readonly least = new LeastRate();

  /** @param spinsWhileWaiting - True where waiting for the GPU keeps a core busy; see {@link Pacer.restMs}. */
  constructor(
    private readonly profile: DeviceProfile,
    private readonly spinsWhileWaiting = false,
  ) {
    // Software adapters: about 3 GFLOP/s and 3 GB/s on two cores. Others: an integrated GPU's 0.5 TFLOP/s and 40 GB/s.
    this.flopsPerMs = profile.isSoftware ? 3e6 : 5e8;
    this.bytesPerMs = profile.isSoftware ? 3e6 : 4e7;
    this.dispatchMs = profile.isSoftware ? 0.05 : 0.01;
  }

  /**
   * A pacer that expects what this one does and learns by itself. For runs that are compared with each other: what one
   * teaches would make the next wait too long or too short.
   */
  fork(): Pacer {
    const fork = new Pacer(this.profile, this.spinsWhileWaiting);
    fork.factor = this.factor;
    fork.learnt = this.learnt;
    fork.least.follow(this.least);
    return fork;
  }

  /** One dispatch by the first guess, in milliseconds: what expectations and learning are in proportion to. */
  workMs({ flops, executedFlops = flops, bytesMoved }: Cost): number {
    return this.dispatchMs + Math.max(executedFlops / this.flopsPerMs, bytesMoved / this.bytesPerMs);
  }

  /** Expected milliseconds of one dispatch. */
  expectedMs(cost: Cost): number {
    return this.factor * this.workMs(cost);
  }

  /** How much work, by the first guess, is expected to take {@link Pacer.targetMs}. */
  get sliceWorkMs(): number {
    return this.targetMs / this.factor;
  }

  /**
   * How long to leave a submission alone before asking whether it is done. Dawn in Node answers by polling without pause,
   * and a software adapter needs that core for the work itself; so the host sleeps through most of what is expected, and
   * through less while expectations are young. 0 in browsers, where waiting costs nothing.
   */
  restMs(expectedMs: number): number {
    if (!this.spinsWhileWaiting) return 0;
    const rest = Math.min(0.6 * expectedMs, this.learnt < 8 ? 2 * this.targetMs : 2000);
    return rest < 2 ? 0 : rest;
  }

  /**
   * The rest of a slice of so much work by the first guess: less than the fastest slices of late would have taken. On a
   * machine with other work a slice is slow because others had the processor, and a rest by such slices makes the next one
   * as slow, also when it is done long before.
   */
  sliceRestMs(workMs: number): number {
    const { perWork } = this.least;
    const rest = this.restMs(this.factor * workMs);
    return perWork === undefined ? rest : Math.min(rest, restOfLeast * perWork * workMs);
  }

  /**
   * Learns from a slice: its work by the first guess and what it took. Short slices teach in proportion: what is theirs is
   * mostly submission and timers, and would make long ones wait for work that is long done.
   */
  learn(workMs: number, tookMs: number): void {
    if (!(workMs > 0) || !(tookMs > 0)) return;
    this.learnt++;
    this.least.learn(workMs, tookMs);
    const expectedMs = this.factor * workMs;
    const ratio = Math.min(2, Math.max(0.5, tookMs / expectedMs));
    const weight = Math.min(1, Math.max(expectedMs, tookMs) / this.targetMs);
    // Up at once (a watchdog or a frozen page is worse than a short slice), down a little more slowly.
    this.factor *= ratio ** (ratio > 1 ? weight : 0.75 * weight);
    // Where every slice waits its turn for a processor, shorter ones would wait as often for less: enough is enough.
    this.factor = Math.min(this.factor, mostOverLeast * (this.least.perWork ?? Infinity));
    this.factor = Math.min(1e3, Math.max(1e-3, this.factor));
  }
}

/** How many times slower than the fastest slices of late work is expected to be at most. */
const mostOverLeast = 4;

/** A rest's most, over what the fastest slices took: timers come late, and a rest must not pass for the work itself. */
const restOfLeast = 0.8;

/** Slices that are looked at together: one alone can seem short because the end of the one before was noticed late. */
const slicesTogether = 2;

/** How much the least that is remembered grows with each slice, so that work that did become slower is believed. */
const forgetting = 1.03;

/** Milliseconds that work took at least of late, over what the first guess says. */
class LeastRate {
  private readonly recent: { readonly workMs: number; readonly tookMs: number }[] = [];
  private rate: number | undefined;

  /** Undefined until enough was seen. */
  get perWork(): number | undefined {
    return this.rate;
  }

  learn(workMs: number, tookMs: number): void {
    this.recent.push({ workMs, tookMs });
    if (this.recent.length < slicesTogether) return;
    const sum = (key: 'workMs' | 'tookMs'): number => this.recent.reduce((total, slice) => total + slice[key], 0);
    const now = sum('tookMs') / sum('workMs');
    this.recent.shift();
    this.rate = Math.min(now, forgetting * (this.rate ?? Infinity));
  }

  /** Goes on from another's. */
  follow(other: LeastRate): void {
    this.recent.splice(0, this.recent.length, ...other.recent);
    this.rate = other.rate;
  }
}
