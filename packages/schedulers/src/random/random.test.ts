import { describe, expect, it } from 'vitest';
import { float32Bytes, fnv1a, readRandom, readRandomHalf } from '../../test/goldens.js';
import { roundToHalf } from './half.js';
import { createNoiseSource } from './noise-source.js';

const goldens = readRandom();
const halves = readRandomHalf();

function ends(values: Float32Array): number[] {
  return values.length <= 8 ? [...values] : [...values.slice(0, 4), ...values.slice(-4)];
}

describe('torch CPU normals, recorded from torch', () => {
  it.each([...goldens.torch, ...halves.torch])(
    'seed $seed, $dtype: every draw is equal bit for bit',
    ({ seed, dtype, draws }) => {
      const source = createNoiseSource('torch', BigInt(seed), { dtype });
      for (const draw of draws) {
        const values = source.normal(draw.n);
        expect(ends(values)).toEqual(draw.ends);
        const bytes = dtype === 'float32' ? float32Bytes(values) : halfBytes(values);
        expect(fnv1a(bytes), `${draw.n} values`).toBe(draw.hash);
      }
    },
  );
});

describe('numpy normals, recorded from numpy', () => {
  it.each(goldens.numpy)('seed $seed: equal once rounded to float32', ({ seed, draws }) => {
    const source = createNoiseSource('numpy', BigInt(seed));
    for (const draw of draws) {
      const values = source.normal(draw.n);
      expect(ends(values)).toEqual(draw.ends);
      expect(fnv1a(float32Bytes(values)), `${draw.n} values`).toBe(draw.hash);
    }
  });
});

/** float16 bit patterns, found from the values alone. */
function halfBytes(values: Float32Array): Uint8Array {
  const bits = Uint16Array.from(values, (value) => {
    expect(roundToHalf(value)).toBe(value);
    const size = Math.abs(value);
    const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
    if (size < 2 ** -14) return sign | (size * 2 ** 24);
    const exponent = Math.floor(Math.log2(size));
    return sign | ((exponent + 15) << 10) | ((size / 2 ** exponent - 1) * 1024);
  });
  return new Uint8Array(bits.buffer);
}
