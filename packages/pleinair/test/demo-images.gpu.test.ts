import { modelUrl } from '@pleinair/demo-model';
import { testDevice } from '@pleinair/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RgbaImage } from '@pleinair/diffusion';
import { load, type Painter } from '../src/painter.js';

// What a run does with a picture does not depend on the adapter, and SwiftShader compiles each pipeline anew.
const slow = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';
const size = { width: 128, height: 128 } as const;

/** Root of the mean square of what differs, of 255, over pixels that are asked for. */
function difference(a: RgbaImage, b: RgbaImage, where: (x: number, y: number) => boolean = () => true): number {
  let squares = 0;
  let count = 0;
  for (let i = 0; i < a.width * a.height; i++) {
    if (!where(i % a.width, Math.floor(i / a.width))) continue;
    for (let c = 0; c < 3; c++) squares += (a.rgba[4 * i + c]! - b.rgba[4 * i + c]!) ** 2;
    count += 3;
  }
  return Math.sqrt(squares / count);
}

/** White in a rectangle, black around it. */
function rectangle(left: number, top: number, right: number, bottom: number): RgbaImage {
  const rgba = new Uint8ClampedArray(4 * size.width * size.height).fill(255);
  for (let i = 0; i < size.width * size.height; i++) {
    const [x, y] = [i % size.width, Math.floor(i / size.width)];
    if (x < left || x >= right || y < top || y >= bottom) rgba.fill(0, 4 * i, 4 * i + 3);
  }
  return { ...size, rgba };
}

describe.skipIf(slow)('the demo model and a picture that is there (asked of one adapter, not SwiftShader)', () => {
  let painter: Painter;
  let original: RgbaImage;
  const ask = { prompt: 'a snowy mountain under a full moon', seed: 4, steps: 12 };
  beforeAll(async () => {
    painter = await load(modelUrl, { device: await testDevice(), tune: 'off', memory: 'resident' });
    const { images } = await painter.generate({ prompt: 'a sailboat at sunset', seed: 1, steps: 12, ...size });
    original = images[0]!;
  }, 300_000);
  afterAll(() => painter.dispose());

  it('keeps its composition at low strength, the less the higher it is', async () => {
    const differences: number[] = [];
    for (const strength of [0.2, 0.6, 1]) {
      const { images } = await painter.generate({ ...ask, image: original, strength });
      expect([images[0]!.width, images[0]!.height]).toEqual([128, 128]);
      differences.push(difference(images[0]!, original));
    }
    const [low, middle, high] = differences as [number, number, number];
    expect(low).toBeLessThan(middle);
    expect(middle).toBeLessThan(high);
    expect(low).toBeLessThan(high / 2);
  }, 300_000);

  it('changes what is masked only: latents around it stay to the bit, pixels but for the decoder, or with pasteBack to the byte', async () => {
    const hole = [32, 32, 96, 96] as const;
    const inside = (x: number, y: number): boolean => x >= 32 && x < 96 && y >= 32 && y < 96;
    const outside = (x: number, y: number): boolean => x < 16 || x >= 112 || y < 16 || y >= 112;
    const given = { ...ask, image: original, posterior: 'mode' } as const;
    // Nothing is masked: what comes back went through the VAE and nothing else.
    const { images: kept } = await painter.generate({ ...given, mask: rectangle(0, 0, 0, 0) });
    const { images: made } = await painter.generate({ ...given, mask: rectangle(...hole) });
    const around = (latents: Float32Array): Float32Array =>
      latents.filter((_, i) => !inside(8 * (i % 16), 8 * (Math.floor(i / 16) % 16)));
    expect(around(made[0]!.latents)).toEqual(around(kept[0]!.latents));
    expect(around(made[0]!.latents)).toHaveLength(4 * (256 - 64));
    // The decoder normalises over the whole picture, so what is inside is felt outside; a little.
    expect(difference(kept[0]!, original, outside)).toBeLessThan(6);
    const changed = difference(made[0]!, original, inside);
    expect(changed).toBeGreaterThan(20);
    expect(difference(made[0]!, original, outside)).toBeLessThan(changed / 3);
    const { images: pasted } = await painter.generate({ ...given, mask: rectangle(...hole), pasteBack: true });
    expect(difference(pasted[0]!, original, (x, y) => !inside(x, y))).toBe(0);
    expect(difference(pasted[0]!, made[0]!, inside)).toBe(0);
  }, 300_000);

  it('works on the masked part at full size and puts it back where it was', async () => {
    const large: RgbaImage = { width: 256, height: 192, rgba: new Uint8ClampedArray(4 * 256 * 192).fill(200) };
    const mask: RgbaImage = { ...large, rgba: Uint8ClampedArray.from(large.rgba, () => 0) };
    for (let y = 60; y < 100; y++) mask.rgba.fill(255, 4 * (y * 256 + 100), 4 * (y * 256 + 150));
    const { images } = await painter.generate({ ...ask, image: large, mask, maskBlur: 2, paddingMaskCrop: 16 });
    const [picture] = images;
    expect([picture!.width, picture!.height]).toEqual([256, 192]);
    const near = (x: number, y: number): boolean => x >= 90 && x < 160 && y >= 50 && y < 110;
    expect(difference(picture!, large, (x, y) => !near(x, y))).toBe(0);
    expect(difference(picture!, large, near)).toBeGreaterThan(5);
    expect(picture!.latents).toHaveLength(4 * 16 * 16);
  }, 300_000);
});
