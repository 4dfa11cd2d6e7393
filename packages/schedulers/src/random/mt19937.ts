const STATE_SIZE = 624;
const SHIFT_SIZE = 397;

/**
 * The Mersenne Twister, MT19937 (Matsumoto and Nishimura 1998), seeded by one 32-bit word with Knuth's recurrence:
 * the engine of torch's CPU generator and of numpy's `RandomState`.
 */
export class Mt19937 {
  private readonly state = new Uint32Array(STATE_SIZE);
  private next = STATE_SIZE;

  /** @param seed - 32 bits; higher ones are dropped. */
  constructor(seed: number) {
    const { state } = this;
    state[0] = seed;
    for (let i = 1; i < STATE_SIZE; i++) {
      const previous = state[i - 1]!;
      state[i] = Math.imul(1812433253, previous ^ (previous >>> 30)) + i;
    }
  }

  /** The next 32 random bits, as a number from 0 to 2^32 − 1. */
  uint32(): number {
    if (this.next === STATE_SIZE) this.twist();
    let y = this.state[this.next++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> 0;
  }

  private twist(): void {
    const { state } = this;
    for (let i = 0; i < STATE_SIZE; i++) {
      const y = (state[i]! & 0x80000000) | (state[(i + 1) % STATE_SIZE]! & 0x7fffffff);
      state[i] = state[(i + SHIFT_SIZE) % STATE_SIZE]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.next = 0;
  }
}
