/**
 * Uniform numbers in [-1, 1) from a seed, the same everywhere: mulberry32 (public domain, Tommy Ettinger).
 *
 * @param scale - Multiplies the values.
 */
export function randomArray(length: number, seed: number, scale = 1): Float32Array<ArrayBuffer> {
  const next = randomBits(seed);
  return Float32Array.from({ length }, () => (next() / 2 ** 31 - 1) * scale);
}

/** Integers in [0, below), uniform enough for tests. */
export function randomIntegers(length: number, seed: number, below: number): Uint32Array<ArrayBuffer> {
  const next = randomBits(seed);
  return Uint32Array.from({ length }, () => Math.floor((next() / 2 ** 32) * below));
}

/** Values a half float holds exactly, so that f16 storage adds no error of its own to the inputs. */
export function randomHalves(length: number, seed: number, scale = 1): Float32Array<ArrayBuffer> {
  const next = randomBits(seed);
  return Float32Array.from({ length }, () => (Math.floor(next() / 2 ** 21) / 1024 - 1) * scale);
}

function randomBits(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}
