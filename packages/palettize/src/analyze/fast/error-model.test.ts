import type { LayerBits } from '../../bits.js';
import { describe, expect, it } from 'vitest';
import { choicesOf, type ProbedLayer } from './error-model.js';

const shape = [32, 64];
const weightErrors = new Map<LayerBits, number>([
  [2, 16],
  [4, 1],
  [16, 0],
]);

function layer(psnrs: readonly number[], change: Partial<ProbedLayer> = {}): ProbedLayer {
  return { shape, weights: 2048, psnrs, tried: 16, weightErrors, ...change };
}

describe('choicesOf', () => {
  it('scales what was measured by the error of the weights', () => {
    const [first, second] = choicesOf([layer([30, 30]), layer([40, 40])]);
    expect(first!.map(({ bits, stored }) => [bits, stored])).toEqual([
      [2, 2 * 2048 + 16 * 4],
      [4, 4 * 2048 + 16 * 16],
      [16, 16 * 2048],
    ]);
    // Of both errors, 0.001 and 0.0001, the first is ten elevenths.
    expect(first!.map(({ error }) => error)).toEqual([
      expect.closeTo(10 / 11, 12) as number,
      expect.closeTo(10 / 11 / 16, 12) as number,
      0,
    ]);
    expect(second![0]!.error).toBeCloseTo(1 / 11, 12);
  });

  it('gives every prompt the same say, however large its errors are', () => {
    const [first, second] = choicesOf([layer([20, 60]), layer([30, 50])]);
    expect(first![0]!.error).toBeCloseTo((10 / 11 + 1 / 11) / 2, 12);
    expect(second![0]!.error).toBeCloseTo((1 / 11 + 10 / 11) / 2, 12);
  });

  it('takes a layer of which nothing was learnt for the most sensitive', () => {
    const unchanged = new Map<LayerBits, number>([
      [2, 8],
      [4, 0],
      [16, 0],
    ]);
    const [first, , third] = choicesOf([layer([30]), layer([50]), layer([200], { tried: 0, weightErrors: unchanged })]);
    expect(third![0]!.error).toBeCloseTo(first![0]!.error / 2, 12);
    expect(third![1]!.error).toBe(0);
  });

  it('counts palettes of groups', () => {
    const [choices] = choicesOf([layer([30])], 8);
    expect(choices![0]!.stored).toBe(2 * 2048 + 4 * 16 * 4);
  });

  it('is empty for no layers', () => {
    expect(choicesOf([])).toEqual([]);
  });
});
