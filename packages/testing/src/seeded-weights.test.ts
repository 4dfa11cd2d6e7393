import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fromHalfArray } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { seededInput, seededWeight } from './seeded-weights.js';

const golden = JSON.parse(readFileSync(new URL('../goldens/seeded-weights.json', import.meta.url), 'utf8')) as Record<
  string,
  { shape: number[]; sha256: string; first: number[] }
>;

const bitsOf = (name: string, shape: readonly number[]): Uint16Array => {
  const out = new Uint16Array(shape.reduce((a, b) => a * b, 1));
  seededWeight(name, shape)(out, 0);
  return out;
};

describe('seeded weights', () => {
  it.each(Object.entries(golden))('%s is what numpy makes', (name, { shape, sha256, first }) => {
    const bits = bitsOf(name, shape);
    expect([...bits.subarray(0, 4)]).toEqual(first);
    expect(createHash('sha256').update(bits).digest('hex')).toBe(sha256);
  });

  it('makes any band by itself', () => {
    const whole = bitsOf('a.weight', [30, 70]);
    const band = new Uint16Array(700);
    seededWeight('a.weight', [30, 70])(band, 490);
    expect(band).toEqual(whole.subarray(490, 1190));
  });

  it('gives tensors of different names different values', () => {
    const other = bitsOf('b.weight', [640, 64]);
    const same = bitsOf('a.weight', [640, 64]).filter((bits, i) => bits === other[i]);
    expect(same.length / (640 * 64)).toBeLessThan(1 / 100);
  });

  it.each([
    ['products keep unit variance', 'a.weight', [2000, 50], 0, 1 / 50],
    ['norms lie about one', 'norm.weight', [100_000], 1, 0.25 ** 2 / 3],
    ['biases are small', 'norm.bias', [100_000], 0, 0.1 ** 2 / 3],
  ] as const)('%s', (_, name, shape, mean, variance) => {
    const values = fromHalfArray(bitsOf(name, shape));
    const found = values.reduce((sum, v) => sum + v, 0) / values.length;
    expect(Math.abs(found - mean)).toBeLessThan(4 * Math.sqrt(variance / values.length));
    const spread = values.reduce((sum, v) => sum + (v - found) ** 2, 0) / values.length;
    expect(spread / variance).toBeGreaterThan(0.98);
    expect(spread / variance).toBeLessThan(1.02);
  });

  it('shows no pattern from one element to another', () => {
    const bits = new Uint16Array(100_000);
    seededInput('x')(bits, 0);
    const values = fromHalfArray(bits);
    for (const lag of [1, 2, 3, 64, 320, 1280]) {
      let sum = 0;
      for (let i = lag; i < values.length; i++) sum += values[i]! * values[i - lag]!;
      expect(Math.abs(sum / values.length)).toBeLessThan(5 / Math.sqrt(values.length));
    }
  });
});
