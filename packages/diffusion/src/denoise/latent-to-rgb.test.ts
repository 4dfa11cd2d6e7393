import { describe, expect, it } from 'vitest';
import { readLatentToRgb } from './latent-to-rgb.js';

const map = {
  weights: [
    [1, 2, 3, 4],
    [5, 6, 7, 8],
    [9, 10, 11, 12],
  ],
  bias: [0.1, 0.2, -0.3],
};

describe('readLatentToRgb', () => {
  it('reads a map, or nothing', () => {
    expect(readLatentToRgb(map, 'pleinair.json')).toEqual(map);
    expect(readLatentToRgb(undefined, 'pleinair.json')).toBeUndefined();
  });

  it.each([
    ['null', null],
    ['a list', [1, 2]],
    ['two rows', { ...map, weights: map.weights.slice(1) }],
    ['a short row', { ...map, weights: [[1, 2, 3], ...map.weights.slice(1)] }],
    ['no bias', { weights: map.weights }],
    ['words', { ...map, bias: ['a', 'b', 'c'] }],
  ])('refuses %s', (_, value) => {
    expect(() => readLatentToRgb(value, 'pleinair.json')).toThrow(/^pleinair\.json: expected "latent_to_rgb"/);
  });
});
