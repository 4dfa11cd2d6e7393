import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SchedulerError } from '../errors.js';
import { roundToHalf } from './half.js';
import { createNoiseSource, NOISE_KINDS, type NoiseKind } from './noise-source.js';
import { numpyRandn } from './numpy.js';
import { torchCpuRandn } from './torch-cpu.js';
import { torchCudaRandn } from './torch-cuda.js';

const lengths = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 8 });
const seeds = fc.bigInt({ min: 0n, max: 0xffffffffn });

function drawAll(kind: NoiseKind, seed: bigint, counts: readonly number[]): number[] {
  const source = createNoiseSource(kind, seed);
  return counts.flatMap((count) => [...source.normal(count)]);
}

describe('streams', () => {
  it('are the same from the same seed, and give as many finite values as asked', () => {
    fc.assert(
      fc.property(fc.constantFrom(...NOISE_KINDS), seeds, lengths, (kind, seed, counts) => {
        const once = drawAll(kind, seed, counts);
        expect(drawAll(kind, seed, counts)).toEqual(once);
        expect(once.length).toBe(counts.reduce((sum, count) => sum + count, 0));
        expect(once.every(Number.isFinite)).toBe(true);
      }),
    );
  });

  it('numpy: however the stream is cut, it is one stream', () => {
    fc.assert(
      fc.property(seeds, lengths, (seed, counts) => {
        const total = counts.reduce((sum, count) => sum + count, 0);
        expect(drawAll('numpy', seed, counts)).toEqual([...numpyRandn(seed, total)].map(Math.fround));
      }),
    );
  });

  it('torch CPU: cut into multiples of 16 it is one stream, and the low 32 bits of a seed decide it', () => {
    fc.assert(
      fc.property(seeds, fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 5 }), (seed, blocks) => {
        const counts = blocks.map((block) => block * 16);
        const total = counts.reduce((sum, count) => sum + count, 0);
        expect(drawAll('torch', seed, counts)).toEqual([...torchCpuRandn(seed + 2n ** 40n, total)]);
      }),
    );
  });

  it('are standard normal', () => {
    for (const values of [torchCpuRandn(3, 65536), torchCudaRandn(3, 65536), Float32Array.from(numpyRandn(3, 65536))]) {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + value * value, 0) / values.length;
      // Four standard errors.
      expect(Math.abs(mean)).toBeLessThan(4 / 256);
      expect(Math.abs(variance - 1)).toBeLessThan((4 * Math.SQRT2) / 256);
    }
  });
});

describe('roundToHalf', () => {
  it('keeps every float16, and rounds between two to the nearer, ties to even', () => {
    const wrong: unknown[] = [];
    const check = (input: number, want: number): void => {
      if (!Object.is(roundToHalf(input), want)) wrong.push([input, want, roundToHalf(input)]);
    };
    let previous = 0;
    for (let bits = 0; bits <= 0x7bff; bits++) {
      const exponent = bits >> 10;
      const fraction = bits & 1023;
      const value = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
      check(value, value);
      check(-value, -value);
      if (bits > 0) {
        const middle = (previous + value) / 2;
        check(middle, bits % 2 === 0 ? value : previous);
        check(middle * (1 + 2 ** -20), value);
        check(middle * (1 - 2 ** -20), previous);
      }
      previous = value;
    }
    expect(wrong).toEqual([]);
    expect(roundToHalf(65519)).toBe(65504);
    expect(roundToHalf(65520)).toBe(Infinity);
    expect(roundToHalf(-1e9)).toBe(-Infinity);
    expect(roundToHalf(NaN)).toBeNaN();
  });
});

describe('arguments generators refuse', () => {
  it.each<[string, () => unknown]>([
    ['a fraction as seed', () => torchCpuRandn(0.5, 1)],
    ['a seed beyond 2^53 as a number', () => torchCpuRandn(2 ** 60, 1)],
    ['a seed of 65 bits', () => torchCudaRandn(2n ** 64n, 1)],
    ['a negative seed for numpy', () => numpyRandn(-1, 1)],
    ['a large seed for numpy', () => numpyRandn(2 ** 32, 1)],
    ['a negative length', () => torchCpuRandn(0, -1)],
    ['a fraction as length', () => torchCudaRandn(0, 1.5)],
    ['a device without threads', () => torchCudaRandn(0, 1, { multiprocessors: 0, threadsPerMultiprocessor: 2048 })],
    // @ts-expect-error not a kind
    ['an unknown kind', () => createNoiseSource('mrg32', 0)],
  ])('%s', (_, act) => {
    expect(act).toThrow(SchedulerError);
    expect(act).toThrow(/expected .*, got /);
    expect(act).toThrow(expect.objectContaining({ code: 'random/argument' }));
  });
});
