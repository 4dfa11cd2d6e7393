import { describe, expect, it } from 'vitest';
import type { Pixels } from '../../engine/protocol.js';
import { decibels, differencePicture, picturePsnr } from './difference.js';

const pixels = (...values: number[]): Pixels => ({
  width: values.length / 4,
  height: 1,
  rgba: Uint8ClampedArray.from(values),
});

describe('pictures side by side', () => {
  const a = pixels(10, 20, 30, 255, 0, 0, 0, 255);
  const b = pixels(13, 20, 26, 0, 0, 0, 0, 255);

  it('are as far apart as their colours are', () => {
    expect(picturePsnr(a, b)).toBeCloseTo(10 * Math.log10(255 ** 2 / ((9 + 16) / 6)), 9);
    expect(picturePsnr(b, a)).toBe(picturePsnr(a, b));
    expect(picturePsnr(a, a)).toBe(Infinity);
    expect([decibels(31.25), decibels(Infinity)]).toEqual(['31.3 dB', 'the same']);
  });

  it('show where they differ, as strongly as asked, whatever the alpha', () => {
    expect([...differencePicture(a, b, 1).rgba]).toEqual([3, 0, 4, 255, 0, 0, 0, 255]);
    expect([...differencePicture(a, b, 100).rgba.subarray(0, 4)]).toEqual([255, 0, 255, 255]);
  });
});
