import { fileURLToPath } from 'node:url';
import { readGolden } from '@pleinair/testing';
import { describe, expect, it } from 'vitest';
import { blendByMask, blurMask, maskedRegion, maskOf, type Mask } from './mask.js';
import { resize } from './resize.js';
import { checkImage, crop, pasteAt, type RgbaImage } from './rgba-image.js';
import { imageValues, latentMask, maskedValues } from './to-values.js';

const golden = await readGolden(
  fileURLToPath(new URL('../../../testing/goldens/tiny-pipelines/goldens.safetensors', import.meta.url)),
);

/** A golden of `[h, w, 3]` or `[h, w]`. */
function picture(name: string): RgbaImage {
  const { shape, data } = golden.tensor(name);
  const [height, width] = shape as [number, number];
  const channels = shape[2] ?? 1;
  const rgba = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) rgba[4 * i + c] = Number(data[channels * i + (c % channels)]);
  }
  return { width, height, rgba };
}

/** A mask that is black but for a rectangle. */
function rectangle(width: number, height: number, [left, top, right, bottom]: readonly number[]): Mask {
  const values = new Uint8ClampedArray(width * height).map((_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return x >= left! && x < right! && y >= top! && y < bottom! ? 255 : 0;
  });
  return { width, height, values };
}

describe('pictures on their way to the VAE', () => {
  it.each(['smaller', 'larger'])('are resized as Pillow does with Lanczos, to the byte: %s', (name) => {
    const expected = picture(`resized.${name}`);
    const { rgba } = resize(picture('other'), expected.width, expected.height);
    expect(rgba).toEqual(expected.rgba);
  });

  it('keep their bytes at their own size, and are −1 to 1', () => {
    const image = picture('image');
    expect(resize(image, image.width, image.height).rgba).toEqual(image.rgba);
    const values = imageValues({ width: 2, height: 1, rgba: Uint8Array.of(0, 255, 51, 0, 255, 0, 0, 255) });
    expect([...values]).toEqual([-1, 1, expect.closeTo(-0.6, 6), 1, -1, -1]);
  });

  it('are cut out and put back where they were', () => {
    const image = picture('image');
    const region = { left: 5, top: 7, right: 30, bottom: 20 };
    const piece = crop(image, region);
    expect([piece.width, piece.height]).toEqual([25, 13]);
    expect(pasteAt(image, piece, 5, 7).rgba).toEqual(image.rgba);
    expect(pasteAt(image, piece, 6, 7).rgba).not.toEqual(image.rgba);
  });

  it('have four bytes a pixel', () => {
    expect(() => checkImage('image', { width: 2, height: 2, rgba: new Uint8Array(12) })).toThrow(
      /expected image to have 4 bytes for each of 2×2 pixels, got 12/,
    );
    expect(() => checkImage('mask', { width: 0, height: 2, rgba: new Uint8Array(0) })).toThrow(/expected mask/);
  });
});

describe('masks', () => {
  it.each([1.5, 6])('are blurred as Pillow does, to one level: radius %d', (radius) => {
    const expected = maskOf(picture(`blurred.${radius}`)).values;
    const { values } = blurMask(maskOf(picture('other_mask')), radius);
    values.forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(1));
    expect(values).not.toEqual(maskOf(picture('other_mask')).values);
  });

  it('lose nothing of what they cover when blurred', () => {
    const sharp = rectangle(40, 30, [12, 10, 25, 20]);
    const sum = ({ values }: Mask): number => values.reduce((all, value) => all + value, 0);
    expect(sum(blurMask(sharp, 2)) / sum(sharp)).toBeCloseTo(1, 2);
    expect(blurMask(sharp, 0)).toBe(sharp);
  });

  it('are halved for latents: the first pixel of each block decides', () => {
    const mask = rectangle(16, 8, [0, 0, 1, 1]);
    mask.values[8] = 127;
    expect([...latentMask(mask, 4)]).toEqual([1, 0, 0, 0, 0, 0, 0, 0]);
    mask.values[8] = 128;
    expect([...latentMask(mask, 4)]).toEqual([1, 0, 1, 0, 0, 0, 0, 0]);
    expect([...maskedValues(Float32Array.of(1, 2, 3, 4, 5, 6), { width: 2, height: 1, values: Uint8ClampedArray.of(127, 128) })]).toEqual([1, 2, 3, 0, 0, 0]); // prettier-ignore
  });

  it.each([
    ['in the middle', [40, 40, 50, 50], 0, [40, 40, 50, 50]],
    ['padded', [40, 40, 50, 50], 5, [35, 35, 55, 55]],
    ['widened to the proportions', [40, 40, 60, 50], 0, [40, 35, 60, 55]],
    ['moved back into the picture', [40, 0, 60, 10], 0, [40, 0, 60, 20]],
    ['at the far side', [40, 90, 60, 100], 0, [40, 80, 60, 100]],
    ['no larger than the picture', [0, 0, 100, 30], 10, [0, 0, 100, 100]],
  ] as const)('say where to work: %s', (_, hole, padding, expected) => {
    const { left, top, right, bottom } = maskedRegion(rectangle(100, 100, hole), padding, 64, 64);
    expect([left, top, right, bottom]).toEqual(expected);
  });

  it('are refused when black throughout', () => {
    expect(() => maskedRegion(rectangle(8, 8, [0, 0, 0, 0]), 0, 8, 8)).toThrow(/something white/);
  });

  it('put the original back to the byte where they are black', () => {
    const made = picture('image');
    const kept = { ...made, rgba: made.rgba.map((v) => 255 - v) };
    const soft = blurMask(rectangle(made.width, made.height, [10, 10, 30, 30]), 3);
    const { rgba } = blendByMask(made, kept, soft);
    let between = 0;
    soft.values.forEach((value, i) => {
      const pixel = [...rgba.subarray(4 * i, 4 * i + 3)];
      if (value === 0) expect(pixel).toEqual([...kept.rgba.subarray(4 * i, 4 * i + 3)]);
      else if (value === 255) expect(pixel).toEqual([...made.rgba.subarray(4 * i, 4 * i + 3)]);
      else between++;
    });
    expect(between).toBeGreaterThan(50);
  });
});
