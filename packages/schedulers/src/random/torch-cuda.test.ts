import { describe, expect, it } from 'vitest';
import { philox4x32 } from './philox.js';
import { TorchCudaGenerator, torchCudaRandn, type CudaDevice } from './torch-cuda.js';

/** Values below were printed by torch on real devices with four decimals; each says where. */
const PRINTED = 5.1e-5;

function at(values: ArrayLike<number>, ...indices: number[]): number[] {
  return indices.map((index) => values[index < 0 ? values.length + index : index]!);
}

function expectPrinted(got: readonly number[], printed: readonly number[]): void {
  expect(got.length).toBe(printed.length);
  got.forEach((value, i) => expect(Math.abs(value - printed[i]!), `value ${i}: ${value}`).toBeLessThan(PRINTED));
}

describe('Philox 4×32-10', () => {
  // Known answers of Random123 (kat_vectors).
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])('counter %o, key %o', (counter, [low, high], want) => {
    const words = Uint32Array.from(counter);
    philox4x32(words, low!, high!);
    expect([...words]).toEqual(want);
  });
});

describe('torch CUDA normals, as people printed them', () => {
  it('seed 10 (pytorch issue 79496, torch 1.11)', () => {
    expectPrinted([...torchCudaRandn(10, 3)], [-0.1029, 1.681, -0.2708]);
  });

  it('seed 0, three draws in a row (a lecture note on Triton kernels, RTX 2070-class device)', () => {
    // It prints a = randn(8, 8) and max(a + b/2 + c, 0) for the draws b = randn(8, 8) and c = randn(8) that follow.
    const generator = new TorchCudaGenerator(0);
    const [a, b, c] = [generator.randn(64), generator.randn(64), generator.randn(8)];
    expectPrinted(
      at(a, 0, 1, 2, 3, 15, 31, 55, 63),
      [-0.9247, -0.4253, -2.6438, 0.1452, 1.182, -0.2879, 0.4863, -1.0823],
    );
    const combined = a.map((value, i) => Math.max(0, value + b[i]! / 2 + c[i % 8]!));
    expectPrinted(
      at(combined, 0, 1, 4, 7, 8, 11, 14, 15),
      [1.7098, 0, 0.67049, 0.011223, 1.875, 2.2105, 1.8445, 1.9246],
    );
    expectPrinted(
      at(combined, 48, 50, 54, 55, 56, 60, 61, 62),
      [1.5804, 0.9074, 1.5325, 0.35984, 1.5554, 0.0029795, 0.074125, 1.6286],
    );
  });

  it('seed 0, twelve values to eight decimals (stable-diffusion-webui, modules/rng_philox.py)', () => {
    const want = [
      -0.92466259, -0.42534415, -2.6438457, 0.14518388, -0.12086647, -0.57972564, -0.62285122, -0.32838709, -1.07454231,
      -0.36314407, -1.67105067, 2.26550497,
    ];
    torchCudaRandn(0, 12).forEach((value, i) => expect(Math.abs(value - want[i]!)).toBeLessThan(1e-6));
  });

  it('seed 43 on an RTX A6000 (pytorch issue 62467)', () => {
    const device = { multiprocessors: 84, threadsPerMultiprocessor: 1536 };
    const values = torchCudaRandn(43, 3 * 128 * 128, device);
    expectPrinted(at(values, 0, 128 * 128, 2 * 128 * 128), [1.9983, 0.8704, 2.1127]);
  });

  it('seed 14 on an RTX A4000, more values than threads (pytorch issue 97097, torch 2.0)', () => {
    const device = { multiprocessors: 48, threadsPerMultiprocessor: 1536 };
    const values = torchCudaRandn(14, 100_000, device).map((value) => 5 + value * Math.sqrt(5));
    expectPrinted(at(values, 0, 1, 2, 97, 98, 99), [2.8731, 5.2727, 2.9889, 1.6853, 9.6331, 6.6319]);
    expectPrinted(at(values, 99_900, 99_901, 99_902, -3, -2, -1), [2.7337, 2.2106, 7.7815, 8.2207, 6.5395, 4.2604]);
    // The thread limit is what makes the end of it so.
    expect(Math.abs(5 + torchCudaRandn(14, 100_000)[99_999]! * Math.sqrt(5) - 4.2604)).toBeGreaterThan(0.01);
  });

  it.each<[string, CudaDevice, number[]]>([
    ['H100', { multiprocessors: 132, threadsPerMultiprocessor: 2048 }, [-0.697, -0.778, 0.3267]],
    ['A100', { multiprocessors: 108, threadsPerMultiprocessor: 2048 }, [0.1549, -0.6797, -0.1656]],
  ])('seed 1 on an %s, nine million values (pytorch issue 143086, torch 2.5)', (_, device, last) => {
    const values = torchCudaRandn(1, 49 * 12 * 112 * 144, device);
    expectPrinted(at(values, 0, 1, 2), [-0.2963, 2.6764, -0.1408]);
    expectPrinted(at(values, -3, -2, -1), last);
  });

  it('float16 is the same stream rounded', () => {
    const half = new TorchCudaGenerator(5).randn(100, 'float16');
    const single = torchCudaRandn(5, 100);
    half.forEach((value, i) =>
      expect(Math.abs(value - single[i]!)).toBeLessThanOrEqual(Math.abs(single[i]!) * 2 ** -11),
    );
    expect(half).not.toEqual(single);
  });

  it('all 64 bits of a seed count', () => {
    expect(torchCudaRandn(7n, 4)).not.toEqual(torchCudaRandn(7n + 2n ** 32n, 4));
    expect(torchCudaRandn(-1, 4)).toEqual(torchCudaRandn(2n ** 64n - 1n, 4));
  });
});
