import { ShapeError } from '@pleinair/tensor';
import { resize } from './resize.js';
import type { Region, RgbaImage } from './rgba-image.js';

/** A mask: 255 where a picture is made anew, 0 where it is kept. */
export interface Mask {
  readonly width: number;
  readonly height: number;
  /** One byte a pixel. */
  readonly values: Uint8ClampedArray;
}

/** A picture's lightness as a mask (ITU-R 601, as Pillow's mode L). */
export function maskOf({ width, height, rgba }: RgbaImage): Mask {
  const values = new Uint8ClampedArray(width * height);
  for (let i = 0; i < values.length; i++) {
    const sum = 19595 * rgba[4 * i]! + 38470 * rgba[4 * i + 1]! + 7471 * rgba[4 * i + 2]! + 0x8000;
    values[i] = sum >> 16;
  }
  return { width, height, values };
}

/** The same mask at another size. */
export function resizeMask(mask: Mask, width: number, height: number): Mask {
  if (width === mask.width && height === mask.height) return mask;
  const rgba = new Uint8ClampedArray(4 * mask.values.length);
  mask.values.forEach((value, i) => rgba.fill(value, 4 * i, 4 * i + 4));
  const { rgba: resized } = resize({ ...mask, rgba }, width, height);
  return { width, height, values: new Uint8ClampedArray(width * height).map((_, i) => resized[4 * i]!) };
}

/** A part of a mask. */
export function cropMask(mask: Mask, { left, top, right, bottom }: Region): Mask {
  const [width, height] = [right - left, bottom - top];
  const values = new Uint8ClampedArray(width * height);
  for (let y = 0; y < height; y++) {
    const from = (top + y) * mask.width + left;
    values.set(mask.values.subarray(from, from + width), y * width);
  }
  return { width, height, values };
}

/**
 * Softens a mask: a Gaussian made of three box filters (Gwosdek et al., 2011), what Pillow calls `GaussianBlur` and A1111 and
 * diffusers blur masks with. Edges go on beyond the picture.
 *
 * @param radius - Standard deviation in pixels; 0 changes nothing.
 */
export function blurMask(mask: Mask, radius: number): Mask {
  if (radius === 0) return mask;
  const { width, height } = mask;
  const passes = 3;
  const variance = (radius * radius) / passes;
  const whole = Math.floor((Math.sqrt(12 * variance + 1) - 1) / 2);
  const share = ((2 * whole + 1) * (whole * (whole + 1) - 3 * variance)) / (6 * (variance - (whole + 1) * (whole + 1)));
  let values = Float64Array.from(mask.values);
  for (let pass = 0; pass < passes; pass++) {
    values = box(values, height, width, width, 1, whole, share);
    values = box(values, width, height, 1, width, whole, share);
  }
  return { width, height, values: Uint8ClampedArray.from(values, (value) => Math.round(value)) };
}

/** Averages over `whole` neighbours on both sides and a share of the next, along lines. */
function box(
  values: Float64Array,
  lines: number,
  length: number,
  lineStride: number,
  stride: number,
  whole: number,
  share: number,
): Float64Array<ArrayBuffer> {
  const out = new Float64Array(values.length);
  const weight = 2 * (whole + share) + 1;
  for (let line = 0; line < lines; line++) {
    const at = (i: number): number => values[line * lineStride + Math.min(length - 1, Math.max(0, i)) * stride]!;
    let sum = 0;
    for (let i = -whole; i <= whole; i++) sum += at(i);
    for (let i = 0; i < length; i++) {
      out[line * lineStride + i * stride] = (sum + share * (at(i - whole - 1) + at(i + whole + 1))) / weight;
      sum += at(i + whole + 1) - at(i - whole);
    }
  }
  return out;
}

/**
 * Where to work when only the masked part is made anew: what holds all of the mask and `padding` more, widened to the
 * proportions of the size worked at where the picture has room.
 *
 * @throws ShapeError `shape/mask` for a mask that is black throughout.
 */
export function maskedRegion(mask: Mask, padding: number, width: number, height: number): Region {
  let [left, top, right, bottom] = [mask.width, mask.height, 0, 0];
  mask.values.forEach((value, i) => {
    if (value === 0) return;
    const [x, y] = [i % mask.width, Math.floor(i / mask.width)];
    [left, right] = [Math.min(left, x), Math.max(right, x + 1)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y + 1)];
  });
  if (right === 0) {
    throw new ShapeError(
      'shape/mask',
      'generate: expected a mask with something white in it, got one that is black throughout. Paint white what is to be made anew.',
    );
  }
  [left, right] = [Math.max(0, left - padding), Math.min(mask.width, right + padding)];
  [top, bottom] = [Math.max(0, top - padding), Math.min(mask.height, bottom + padding)];
  const proportions = width / height;
  if ((right - left) / (bottom - top) > proportions) {
    [top, bottom] = widened(top, bottom, Math.trunc((right - left) / proportions), mask.height);
  } else {
    [left, right] = widened(left, right, Math.trunc((bottom - top) * proportions), mask.width);
  }
  return { left, top, right, bottom };
}

/** A stretch made so long, moved to where there is room for it, and no longer than there is. */
function widened(from: number, to: number, length: number, room: number): [number, number] {
  const more = Math.max(0, length - (to - from));
  const start = from - Math.floor(more / 2);
  const end = to + (more - Math.floor(more / 2));
  const shift = end > room ? room - end : start < 0 ? -start : 0;
  return [Math.max(0, start + shift), Math.min(room, end + shift)];
}

/**
 * One picture where the mask is white, another where it is black, both between. All of one size; where the mask is black the
 * result's bytes are `kept`'s.
 */
export function blendByMask(made: RgbaImage, kept: RgbaImage, mask: Mask): RgbaImage {
  const rgba = new Uint8ClampedArray(made.rgba.length);
  for (let i = 0; i < rgba.length; i++) {
    const share = mask.values[i >> 2]! / 255;
    rgba[i] = i % 4 === 3 ? 255 : Math.round(made.rgba[i]! * share + kept.rgba[i]! * (1 - share));
  }
  return { ...made, rgba };
}
