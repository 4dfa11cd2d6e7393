import type { Mask } from './mask.js';
import type { RgbaImage } from './rgba-image.js';

/** A picture as a VAE reads it: `[h, w, 3]` in −1…1. */
export function imageValues({ rgba, width, height }: RgbaImage): Float32Array<ArrayBuffer> {
  const out = new Float32Array(3 * width * height);
  for (let i = 0; i < out.length; i++) {
    const byte = rgba[4 * Math.floor(i / 3) + (i % 3)]!;
    out[i] = 2 * Math.fround(byte / 255) - 1;
  }
  return out;
}

/** The same with what is to be made anew left out: zeros where the mask is at least half white. */
export function maskedValues(values: Float32Array, mask: Mask): Float32Array<ArrayBuffer> {
  return Float32Array.from(values, (value, i) => (isWhite(mask, Math.floor(i / 3)) ? 0 : value));
}

/**
 * A mask at the latents' size, `[h, w]` of 0 and 1: of each block of `factor`² pixels the first, as torch's nearest
 * neighbour takes it.
 */
export function latentMask(mask: Mask, factor: number): Float32Array<ArrayBuffer> {
  const [width, height] = [mask.width / factor, mask.height / factor];
  return Float32Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return isWhite(mask, y * factor * mask.width + x * factor) ? 1 : 0;
  });
}

/** Half a byte is 127.5: from 128 on. */
function isWhite({ values }: Mask, pixel: number): boolean {
  return values[pixel]! >= 128;
}
