import type { Pixels } from '../../engine/protocol.js';

/**
 * PSNR of a picture against another of its size over red, green and blue, in dB; Infinity where they are equal.
 */
export function picturePsnr(a: Pixels, b: Pixels): number {
  let sum = 0;
  for (let i = 0; i < a.rgba.length; i += 4) {
    for (let c = 0; c < 3; c++) sum += (a.rgba[i + c]! - b.rgba[i + c]!) ** 2;
  }
  const mean = sum / ((a.rgba.length / 4) * 3);
  return mean === 0 ? Infinity : 10 * Math.log10(255 ** 2 / mean);
}

/** How far a picture is from another of its size, channel by channel, so many times as strong; black where they agree. */
export function differencePicture(a: Pixels, b: Pixels, gain: number): Pixels {
  const rgba = new Uint8ClampedArray(a.rgba.length);
  for (let i = 0; i < rgba.length; i += 4) {
    for (let c = 0; c < 3; c++) rgba[i + c] = gain * Math.abs(a.rgba[i + c]! - b.rgba[i + c]!);
    rgba[i + 3] = 255;
  }
  return { width: a.width, height: a.height, rgba };
}

/** A PSNR with its unit. */
export function decibels(psnr: number): string {
  return psnr === Infinity ? 'the same' : `${psnr.toFixed(1)} dB`;
}
