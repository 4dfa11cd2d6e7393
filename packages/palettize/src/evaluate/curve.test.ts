import { describe, expect, it } from 'vitest';
import { advantages, psnrAt } from './curve.js';

const curve = [
  { bits: 6, psnr: 80 },
  { bits: 2, psnr: 60 },
  { bits: 4, psnr: 74 },
];

describe('psnrAt', () => {
  it('goes straight from point to point, in whatever order they are', () => {
    expect([2, 3, 4, 5.5, 6].map((bits) => psnrAt(curve, bits))).toEqual([60, 67, 74, 78.5, 80]);
  });

  it('knows nothing beyond the ends', () => {
    expect([1.99, 6.01].map((bits) => psnrAt(curve, bits))).toEqual([undefined, undefined]);
    expect(psnrAt([], 4)).toBeUndefined();
  });
});

describe('advantages', () => {
  it('compares where both curves are', () => {
    const other = [
      { bits: 3, psnr: 60 },
      { bits: 5, psnr: 70 },
    ];
    expect(advantages(curve, other, [2, 3, 4, 6])).toEqual([
      { bits: 3, of: 67, over: 60, gain: 7 },
      { bits: 4, of: 74, over: 65, gain: 9 },
    ]);
  });
});
