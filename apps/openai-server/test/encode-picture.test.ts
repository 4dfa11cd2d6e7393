import { readPngText } from 'pleinair';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { encodePicture, resized } from '../src/encode-picture.js';

/** Left half red, right half blue, in a part of a larger buffer. */
const larger = new Uint8ClampedArray(16 + 4 * 16 * 8);
const pixels = { width: 16, height: 8, rgba: larger.subarray(16) };
pixels.rgba.forEach((_, i) => {
  const right = Math.floor(i / 4) % 16 >= 8;
  pixels.rgba[i] = [right ? 0 : 255, 0, right ? 255 : 0, 255][i % 4]!;
});
const text = { parameters: 'a sea — at “dawn”\nSteps: 4', pleinair: '{"seed":1}' };

it('keeps every pixel and all settings in a PNG', async () => {
  const file = await encodePicture(pixels, { format: 'png', quality: 100 }, text);
  expect(readPngText(file)).toEqual(text);
  expect([...(await sharp(file).ensureAlpha().raw().toBuffer())]).toEqual([...pixels.rgba]);
});

it.each(['jpeg', 'webp'] as const)('writes a %s, with a comment in ASCII', async (format) => {
  const file = await encodePicture(pixels, { format, quality: 100 }, text);
  const { exif, ...rest } = await sharp(file).metadata();
  expect(rest).toMatchObject({ format, width: 16, height: 8, hasAlpha: false });
  expect(exif!.toString('latin1')).toContain('ASCII\0\0\0a sea -- at "dawn"\nSteps: 4');
  const rgb = await sharp(file).raw().toBuffer();
  const at = (x: number): number[] => [...rgb.subarray(3 * x, 3 * x + 3)];
  for (const [i, value] of [255, 0, 0].entries()) expect(Math.abs(at(2)[i]! - value)).toBeLessThan(12);
  for (const [i, value] of [0, 0, 255].entries()) expect(Math.abs(at(13)[i]! - value)).toBeLessThan(12);
  expect(await sharp(await encodePicture(pixels, { format, quality: 0 })).metadata()).toMatchObject({ format });
});

it('resamples, and leaves alone what has the size', async () => {
  expect(await resized(pixels, 16, 8)).toBe(pixels);
  const { width, height, rgba } = await resized(pixels, 40, 10);
  expect([width, height, rgba.length]).toEqual([40, 10, 4 * 40 * 10]);
  expect([...rgba.subarray(0, 4)]).toEqual([255, 0, 0, 255]);
  expect([...rgba.subarray(4 * 39, 4 * 40)]).toEqual([0, 0, 255, 255]);
});
