import { describe, expect, test } from 'vitest';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expectClose, randomArray, randomHalves, randomIntegers, readGolden, relativeRms, tolerance } from './index.js';
import { fromHalfBits, toHalfBits } from '@pleinair/tensor';

describe('tolerance', () => {
  const f32 = { dtype: 'f32', reductionLength: 1 } as const;

  test('grows with the reduction and with coarser storage, and is nothing for integers', () => {
    const one = tolerance([1], f32);
    expect(tolerance([1], { ...f32, reductionLength: 10_000 })).toBeGreaterThan(20 * one);
    expect(tolerance([1], { ...f32, dtype: 'f16' })).toBeGreaterThan(1000 * one);
    expect(tolerance([7], { ...f32, dtype: 'u32' })).toBe(0);
    expect(one).toBeLessThan(1e-6);
  });

  test('lets rounding through and nothing more', () => {
    const n = 5000;
    const a = randomArray(n, 1);
    const b = randomArray(n, 2);
    let exact = 0;
    let rounded = 0;
    for (let i = 0; i < n; i++) {
      exact += a[i]! * b[i]!;
      rounded = Math.fround(rounded + Math.fround(a[i]! * b[i]!));
    }
    const accuracy = { dtype: 'f32', reductionLength: n } as const;
    expectClose([rounded], [exact], accuracy);
    expectClose([fromHalfBits(toHalfBits(rounded))], [exact], { ...accuracy, dtype: 'f16' });
    expect(() => expectClose([fromHalfBits(toHalfBits(exact))], [exact], accuracy)).toThrow(/1 of 1 values stray/);
    expect(() => expectClose([exact + a[0]! * b[0]!], [exact], accuracy)).toThrow(/stray/); // one term counted twice
  });

  test('NaN, infinities and lengths are told apart', () => {
    expect(() => expectClose([NaN], [1], f32)).toThrow(/got NaN/);
    expect(() => expectClose([Infinity], [1], f32)).toThrow(/got Infinity/);
    expect(() => expectClose([1, 2], [1], f32)).toThrow(/expected 1 values, got 2/);
    expect(() => expectClose([1, NaN, 9], [1, 2, 3], f32)).toThrow(/2 of 3 values/);
    expectClose([], [], f32);
  });
});

test('relative RMS is scale-free, and NaN passes no limit', () => {
  expect(relativeRms([1.1, 2.2], [1, 2])).toBeCloseTo(0.1);
  expect(relativeRms([1100, 2200], [1000, 2000])).toBeCloseTo(0.1);
  expect(relativeRms([NaN], [1])).toBeNaN();
  expect(relativeRms([0, 0], [0, 0])).toBe(0);
});

test('random arrays follow their seed and fill their range', () => {
  expect(randomArray(4, 5)).toEqual(randomArray(4, 5));
  expect(randomArray(4, 5)).not.toEqual(randomArray(4, 6));
  const many = randomArray(20_000, 1, 3);
  expect(Math.max(...many)).toBeGreaterThan(2.9);
  expect(Math.min(...many)).toBeLessThan(-2.9);
  expect(Math.abs(many.reduce((a, b) => a + b, 0) / many.length)).toBeLessThan(0.05);
  expect(new Set(randomIntegers(500, 1, 7))).toEqual(new Set([0, 1, 2, 3, 4, 5, 6]));
  for (const value of randomHalves(500, 1)) expect(fromHalfBits(toHalfBits(value))).toBe(value);
});

test('goldens are read in every dtype they use', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'golden-'));
  try {
    const header = JSON.stringify({
      __metadata__: { from: 'test' },
      half: { dtype: 'F16', shape: [2], data_offsets: [0, 4] },
      whole: { dtype: 'F32', shape: [1, 1], data_offsets: [4, 8] },
      ids: { dtype: 'I64', shape: [1], data_offsets: [8, 16] },
    });
    const bytes = new Uint8Array(8 + header.length + 16);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
    bytes.set(new TextEncoder().encode(header), 8);
    const data = new DataView(bytes.buffer, 8 + header.length);
    data.setUint16(0, toHalfBits(1.5), true);
    data.setUint16(2, toHalfBits(-2), true);
    data.setFloat32(4, 0.25, true);
    data.setBigInt64(8, 49407n, true);
    const path = join(folder, 'golden.safetensors');
    await writeFile(path, bytes);
    const golden = await readGolden(path);
    expect([golden.names, golden.metadata]).toEqual([['half', 'whole', 'ids'], { from: 'test' }]);
    expect([...golden.floats('half'), ...golden.floats('whole')]).toEqual([1.5, -2, 0.25]);
    expect(golden.tensor('ids')).toEqual({ shape: [1], data: BigInt64Array.of(49407n) });
    expect(() => golden.tensor('none')).toThrow(/it has half, whole, ids/);
    expect(() => golden.floats('ids')).toThrow(/does not hold floats/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
