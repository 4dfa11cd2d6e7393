import type { RgbaImage } from './rgba-image.js';

/** Bits of the fixed-point weights, as Pillow has them for 8-bit channels: results are then its own to the bit. */
const weightBits = 22;

/**
 * Resizes with a Lanczos filter of three lobes, widened where the picture shrinks so that nothing is left out: what diffusers
 * does to pictures before it encodes them (Pillow's `Resampling.LANCZOS`). Alpha is resized like a colour.
 */
export function resize(image: RgbaImage, width: number, height: number): RgbaImage {
  const wide = width === image.width ? image.rgba : along(image.rgba, image.width, image.height, width);
  const rgba = height === image.height ? wide : transposed(wide, width, image.height, height);
  return { width, height, rgba: Uint8ClampedArray.from(rgba) };
}

/** Weights of one pixel of the result. */
interface Taps {
  readonly first: number;
  /** Fixed-point. */
  readonly weights: readonly number[];
}

function tapsOf(from: number, to: number): Taps[] {
  const scale = from / to;
  const wide = Math.max(1, scale);
  const support = 3 * wide;
  return Array.from({ length: to }, (_, i) => {
    const center = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(from, Math.trunc(center + support + 0.5));
    const raw = Array.from({ length: end - first }, (__, x) => lanczos((x + first - center + 0.5) / wide));
    const sum = raw.reduce((all, w) => all + w, 0);
    // Halves away from zero.
    const fixed = (w: number): number => Math.trunc((w / sum) * 2 ** weightBits + (w < 0 ? -0.5 : 0.5));
    return { first, weights: raw.map(fixed) };
  });
}

function lanczos(x: number): number {
  return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

function along(rgba: RgbaImage['rgba'], width: number, height: number, to: number): Uint8ClampedArray {
  const out = new Uint8ClampedArray(4 * to * height);
  const taps = tapsOf(width, to);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < to; x++) weigh(rgba, taps[x]!, 4 * y * width, 4, out, 4 * (y * to + x));
  }
  return out;
}

function transposed(rgba: RgbaImage['rgba'], width: number, height: number, to: number): Uint8ClampedArray {
  const out = new Uint8ClampedArray(4 * width * to);
  const taps = tapsOf(height, to);
  for (let y = 0; y < to; y++) {
    for (let x = 0; x < width; x++) weigh(rgba, taps[y]!, 4 * x, 4 * width, out, 4 * (y * width + x));
  }
  return out;
}

function weigh(
  rgba: RgbaImage['rgba'],
  { first, weights }: Taps,
  start: number,
  stride: number,
  out: Uint8ClampedArray,
  at: number,
): void {
  for (let c = 0; c < 4; c++) {
    let sum = 2 ** (weightBits - 1);
    for (let i = 0; i < weights.length; i++) sum += weights[i]! * rgba[start + (first + i) * stride + c]!;
    out[at + c] = Math.floor(sum / 2 ** weightBits); // clamped by the array
  }
}
