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
  /** Of a slice's expected time that the host sleeps through. */
  private restShare = mostRest;

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
    fork.restShare = this.restShare;
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
    return this.rest(mostRest * expectedMs);
  }

  /**
   * The rest of a slice of so much work by the first guess: a share of what is expected that shrinks with every slice that
   * is done before its rest is over, and grows again slowly. Where kernels differ from the first guess by different factors,
   * or other work has the processors at times, a rest by slow slices would else be slept through after each quick one.
   */
  sliceRestMs(workMs: number): number {
    return this.rest(this.restShare * this.factor * workMs);
  }

  /**
   * Learns from a slice: its work by the first guess, what it took, and how much of that the host slept. Short slices teach
   * in proportion: what is theirs is mostly submission and timers, and would make long ones wait for work that is long done.
   */
  learn(workMs: number, tookMs: number, sleptMs = 0): void {
    if (!(workMs > 0) || !(tookMs > 0)) return;
    this.learnt++;
    const overslept = sleptMs > 0 && tookMs - sleptMs < Math.max(3, 0.1 * sleptMs);
    this.restShare = overslept ? this.restShare / 2 : Math.min(mostRest, this.restShare + 0.01);
    const expectedMs = this.factor * workMs;
    // What was slept is no measure of the work where the work was done before.
    const ratio = Math.min(overslept ? 1 : 2, Math.max(0.5, tookMs / expectedMs));
    const weight = Math.min(1, Math.max(expectedMs, tookMs) / this.targetMs);
    // Up at once (a watchdog or a frozen page is worse than a short slice), down a little more slowly.
    this.factor *= ratio ** (ratio > 1 ? weight : 0.75 * weight);
    this.factor = Math.min(1e3, Math.max(1e-3, this.factor));
  }

  private rest(ms: number): number {
    if (!this.spinsWhileWaiting) return 0;
    const rest = Math.min(ms, this.learnt < 8 ? 2 * this.targetMs : 2000);
    return rest < 2 ? 0 : rest;
  }
}

/** Of what is expected, at most so much is slept through. */
const mostRest = 0.6;
