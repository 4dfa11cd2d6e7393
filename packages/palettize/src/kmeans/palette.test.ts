import { paletteBits } from '@pleinair/weights';
import { fromHalfBits, isPleinairError, toHalfArray } from '@pleinair/tensor';
import { randomArray } from '@pleinair/testing';
import { describe, expect, it } from 'vitest';

import { directSolver } from '../workers/solver.js';
import { halfOfKey, keyCount, keyOfHalf, valueOfKey } from './half-order.js';
import { ValueHistogram } from './histogram.js';
import { paletteLookup } from './lookup.js';
import { makePalettes, type Palette } from './palette.js';

const solver = directSolver();

/** Bell-shaped weights, as trained ones are. */
function weights(length: number, seed: number, scale = 0.05): Uint16Array<ArrayBuffer> {
  const draws = [1, 2, 3, 4].map((i) => randomArray(length, seed * 10 + i, scale));
  return toHalfArray(Float32Array.from({ length }, (_, i) => draws.reduce((sum, draw) => sum + draw[i]!, 0)));
}

function histogramOf(halves: Uint16Array): ValueHistogram {
  const histogram = new ValueHistogram('test');
  histogram.add(halves);
  return histogram;
}

function errorOf(halves: Uint16Array, { entries, used }: Palette): number {
  let error = 0;
  for (const half of halves) {
    const distances = Array.from(entries.subarray(0, used), (entry) =>
      Math.abs(fromHalfBits(half) - fromHalfBits(entry)),
    );
    error += Math.min(...distances) ** 2;
  }
  return error;
}

describe('half order', () => {
  it('counts all finite halves in ascending order', () => {
    expect(valueOfKey(0)).toBe(-65504);
    expect(valueOfKey(keyCount - 1)).toBe(65504);
    for (let key = 0; key < keyCount; key++) {
      expect(keyOfHalf(halfOfKey(key))).toBe(key);
      if (key > 0 && !(valueOfKey(key) > valueOfKey(key - 1))) expect.unreachable(`key ${key}`);
    }
    expect(keyOfHalf(0x8000)).toBe(keyOfHalf(0));
  });
});

describe('ValueHistogram', () => {
  it('counts distinct values ascending, both zeros as one', () => {
    const { values, counts, importance } = histogramOf(Uint16Array.of(0x3c00, 0x8000, 0, 0xbc00, 0, 1)).distribution();
    expect([...values]).toEqual([-1, 0, 2 ** -24, 1]);
    expect([...counts]).toEqual([1, 3, 1, 1]);
    expect(importance).toBeUndefined();
  });

  it('adds up importance by column', () => {
    const histogram = new ValueHistogram('test', { weighted: true });
    histogram.add(Uint16Array.of(0x3c00, 0x3c00, 0x4000, 0x3c00), [0.5, 0]);
    histogram.add(Uint16Array.of(0x4000, 0x8000), [2, 3]);
    const { values, counts, importance } = histogram.distribution();
    expect([...values]).toEqual([0, 1, 2]);
    expect([...counts]).toEqual([1, 3, 2]);
    expect([...importance!]).toEqual([3, 0.5, 2.5]);
  });

  it.each([
    ['infinite', 0x7c00],
    ['minus infinite', 0xfc00],
    ['not a number', 0x7e01],
    ['a negative NaN', 0xffff],
  ])('refuses weights that are %s', (_, bits) => {
    const histogram = histogramOf(Uint16Array.of(0, bits));
    expect(() => histogram.distribution()).toThrow(expect.objectContaining({ code: 'palettize/not-finite' }));
  });

  it.each([
    ['missing', undefined],
    ['of no column', []],
    ['of columns that do not divide the weights', [1, 1]],
    ['negative', [-1]],
    ['infinite', [Infinity]],
  ])('refuses importance that is %s', (_, importance) => {
    const histogram = new ValueHistogram('w', { weighted: true });
    expect(() => histogram.add(new Uint16Array(3), importance)).toThrow(
      expect.objectContaining({ code: 'palettize/invalid-argument' }),
    );
  });
});

describe('makePalettes', () => {
  it('errs less with every bit, by just what each weight errs from its nearest entry', async () => {
    const halves = weights(5000, 1);
    const palettes = await makePalettes(histogramOf(halves).distribution(), paletteBits, { solver });
    palettes.forEach((palette, i) => {
      expect(palette.bits).toBe(paletteBits[i]);
      expect(palette.entries).toHaveLength(2 ** palette.bits);
      expect(palette.used).toBe(2 ** palette.bits);
      // 5,000 terms are added in another order.
      expect(Math.abs(palette.error / errorOf(halves, palette) - 1)).toBeLessThan(5000 * 2 ** -52);
      if (i > 0) expect(palette.error).toBeLessThan(palettes[i - 1]!.error);
    });
  });

  it('is exact where there are few values, and repeats the last', async () => {
    const halves = Uint16Array.of(0x3c00, 0xbc00, 0x3c00, 0x0001, 0x7bff);
    const distribution = histogramOf(halves).distribution();
    const [two, three] = await makePalettes(distribution, [2, 3], { solver });
    expect([...two!.entries]).toEqual([0xbc00, 0x0001, 0x3c00, 0x7bff]);
    expect([...three!.entries]).toEqual([0xbc00, 0x0001, 0x3c00, 0x7bff, 0x7bff, 0x7bff, 0x7bff, 0x7bff]);
    expect(three).toMatchObject({ used: 4, error: 0 });
    const [one] = await makePalettes(histogramOf(new Uint16Array(9)).distribution(), [1], { solver });
    expect(one).toMatchObject({ used: 1, error: 0, entries: Uint16Array.of(0, 0) });
  });

  it('is no worse than 50 rounds of Lloyd from many starts', async () => {
    const halves = weights(3000, 2);
    const values = Array.from(halves, fromHalfBits).sort((a, b) => a - b);
    const [palette] = await makePalettes(histogramOf(halves).distribution(), [3], { solver });
    for (let seed = 0; seed < 10; seed++) {
      let centres = Array.from(randomArray(8, seed), (x) => values[Math.floor(((x + 1) / 2) * values.length)]!).sort(
        (a, b) => a - b,
      );
      let error = 0;
      for (let round = 0; round < 50; round++) {
        const sums = centres.map(() => [0, 0] as [number, number]);
        error = 0;
        for (const value of values) {
          const distances = centres.map((centre) => (value - centre) ** 2);
          const nearest = distances.indexOf(Math.min(...distances));
          sums[nearest]![0] += value;
          sums[nearest]![1]++;
          error += distances[nearest]!;
        }
        centres = centres.map((centre, i) => (sums[i]![1] ? sums[i]![0] / sums[i]![1] : centre));
      }
      // Rounding 8 entries to halves adds at most (2^-12 of an entry)² a weight.
      expect(palette!.error).toBeLessThanOrEqual(error + values.length * (0.2 * 2 ** -12) ** 2);
    }
  });

  it('spends entries where importance is, and still gives all values one', async () => {
    const halves = weights(4000, 3);
    const columns = 40;
    const importance = Float32Array.from({ length: columns }, (_, c) => (c < 4 ? 1 : 0));
    // Columns that matter hold large weights only.
    for (let i = 0; i < halves.length; i++) if (i % columns < 4) halves[i] = toHalfArray([1 + (i % 97) / 97])[0]!;
    const histogram = new ValueHistogram('test', { weighted: true });
    histogram.add(halves, importance);
    const weighted = (await makePalettes(histogram.distribution(), [4], { solver }))[0]!;
    const plain = (await makePalettes(histogramOf(halves).distribution(), [4], { solver }))[0]!;
    const important = halves.filter((_, i) => i % columns < 4);
    expect(errorOf(important, weighted)).toBeLessThan(errorOf(important, plain));
    expect(Math.abs(weighted.error / errorOf(important, weighted) - 1)).toBeLessThan(4000 * 2 ** -52);
    expect(fromHalfBits(weighted.entries[0]!)).toBeGreaterThanOrEqual(1);
  });

  it('counts all weights alike where none has importance', async () => {
    const halves = weights(500, 4);
    const histogram = new ValueHistogram('test', { weighted: true });
    histogram.add(halves, [0]);
    const [weighted] = await makePalettes(histogram.distribution(), [4], { solver });
    const [plain] = await makePalettes(histogramOf(halves).distribution(), [4], { solver });
    expect(weighted!.entries).toEqual(plain!.entries);
  });

  it('stops on a signal', async () => {
    const cancelled = makePalettes(histogramOf(weights(50, 5)).distribution(), [4], {
      solver,
      signal: AbortSignal.abort(),
    });
    await expect(cancelled).rejects.toSatisfy((error) => isPleinairError(error) && error.code === 'cancelled');
  });
});

describe('paletteLookup', () => {
  it('names the nearest entry of every finite half, the lower of two equally near', async () => {
    for (const bits of paletteBits) {
      const [palette] = await makePalettes(histogramOf(weights(2000, 6, 3)).distribution(), [bits], { solver });
      const { entries, used } = palette!;
      const lookup = paletteLookup(palette!, new Uint8Array(65536).fill(255));
      const values = Array.from(entries.subarray(0, used), fromHalfBits);
      for (let key = 0; key < keyCount; key += 7) {
        const value = valueOfKey(key);
        const nearest = values.reduce(
          (best, entry, i) => (Math.abs(entry - value) < Math.abs(values[best]! - value) ? i : best),
          0,
        );
        if (lookup[halfOfKey(key)] !== nearest) expect.unreachable(`${bits} bits: ${value}`);
      }
      expect(lookup[0x8000]).toBe(lookup[0]);
      expect(lookup[0x7c00]).toBe(0);
    }
  });

  it('gives 0.5 to 0, not to 1', () => {
    const lookup = paletteLookup({ entries: Uint16Array.of(0, 0x3c00), used: 2 });
    expect([lookup[0x3800], lookup[0x3801], lookup[0xbc00]]).toEqual([0, 1, 0]);
  });
});
