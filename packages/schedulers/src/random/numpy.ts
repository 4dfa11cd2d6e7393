import { Mt19937 } from './mt19937.js';
import { checkCount, numpySeedWord, type Seed } from './seed.js';

/**
 * The generator behind `np.random.seed(seed); np.random.standard_normal(n)` (`RandomState`, frozen by NEP 19):
 * Marsaglia's polar method over 53-bit uniforms, the second value of each pair kept for the next call.
 */
export class NumpyRandomState {
  private readonly engine: Mt19937;
  private kept: number | undefined;

  /**
   * @param seed - 0 to 2^32 − 1.
   * @throws SchedulerError `random/argument` for other seeds.
   */
  constructor(seed: Seed) {
    this.engine = new Mt19937(numpySeedWord(seed));
  }

  /** `count` standard normals, continuing the stream. */
  standardNormal(count: number): Float64Array {
    checkCount('NumpyRandomState.standardNormal', count);
    const values = new Float64Array(count);
    for (let i = 0; i < count; i++) values[i] = this.one();
    return values;
  }

  private one(): number {
    if (this.kept !== undefined) {
      const value = this.kept;
      this.kept = undefined;
      return value;
    }
    for (;;) {
      const x = 2 * this.uniform() - 1;
      const y = 2 * this.uniform() - 1;
      const square = x * x + y * y;
      if (square >= 1 || square === 0) continue;
      const scale = Math.sqrt((-2 * Math.log(square)) / square);
      this.kept = scale * x;
      return scale * y;
    }
  }

  private uniform(): number {
    const high = this.engine.uint32() >>> 5;
    const low = this.engine.uint32() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  }
}

/**
 * `np.random.RandomState(seed).standard_normal(count)`.
 *
 * Uniforms are numpy's bit for bit; the logarithm is the JavaScript engine's, so a value can differ from numpy's in
 * its last bit.
 *
 * @throws SchedulerError `random/argument` for seeds outside 0 … 2^32 − 1.
 */
export function numpyRandn(seed: Seed, count: number): Float64Array {
  return new NumpyRandomState(seed).standardNormal(count);
}
