import { fileURLToPath } from 'node:url';
import { modelUrl } from '@pleinair/demo-model';
import { sdxlLatentToRgb, type LatentToRgb } from '@pleinair/diffusion';
import type { Device } from '@pleinair/tensor';
import { testDevice } from '@pleinair/testing';
import { folderSource } from '@pleinair/weights/node';
import { beforeAll, describe, expect, it } from 'vitest';
import { openSdxl, type SdxlPipeline } from '../src/open-sdxl.js';
import type { StepReport, PictureRequest, PictureResult } from '@pleinair/diffusion';

const source = folderSource(fileURLToPath(modelUrl));
const request = { prompt: 'a sailboat at sunset', width: 64, height: 96, seed: 1, scheduler: 'euler', steps: 5 };

let device: Device;
beforeAll(async () => {
  device = await testDevice();
});

async function paint(
  more: Partial<PictureRequest>,
  memory: 'low' | 'resident' = 'low',
): Promise<{ pipeline: SdxlPipeline; result: PictureResult; steps: StepReport[] }> {
  const pipeline = await openSdxl(source, device, { memory });
  const steps: StepReport[] = [];
  const result = await pipeline.generate({ ...request, ...more, onStep: (step) => steps.push(step) });
  pipeline.dispose();
  return { pipeline, result, steps };
}

/** Mean distance of two pictures, in levels of 255. */
function distance(a: Uint8ClampedArray, b: Uint8ClampedArray): number {
  expect(a.length).toBe(b.length);
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / (a.length * 0.75);
}

/** Latents `[4, h, w]` by a linear map, in float64. */
function project(latents: Float32Array, { weights, bias }: LatentToRgb): Uint8ClampedArray {
  const pixels = latents.length / 4;
  const out = new Uint8ClampedArray(pixels * 4).fill(255);
  for (let p = 0; p < pixels; p++) {
    weights.forEach((row, c) => {
      const value = row.reduce((sum, weight, i) => sum + weight * latents[i * pixels + p]!, bias[c]!);
      out[p * 4 + c] = (value / 2 + 0.5) * 255;
    });
  }
  return out;
}

/** Means of 8×8 blocks. */
function shrink({ rgba, width, height }: { rgba: Uint8ClampedArray; width: number; height: number }) {
  const out = new Float64Array((width / 8) * (height / 8) * 4);
  rgba.forEach((value, i) => {
    const [pixel, c] = [Math.floor(i / 4), i % 4];
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    const to = (Math.floor(y / 8) * (width / 8) + Math.floor(x / 8)) * 4 + c;
    out[to]! += value / 64;
  });
  return Uint8ClampedArray.from(out);
}

// SwiftShader compiles every kernel anew for each device: there one of these speaks for all.
const slow = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';

describe('previews of steps', () => {
  it('are not there unless asked for, and take no time', async () => {
    const { result, steps } = await paint({});
    expect(steps.map(({ preview }) => preview)).toEqual(steps.map(() => undefined));
    expect(result.timings.previewMs).toBe(0);
  });

  it('quick: a pixel a latent pixel, ever nearer to the picture, which stays what it was', async () => {
    const { result: plain } = await paint({});
    const { pipeline, result, steps } = await paint({ preview: 'quick' });
    expect(result.images[0]!.latents).toEqual(plain.images[0]!.latents);
    expect(result.images[0]!.rgba).toEqual(plain.images[0]!.rgba);
    expect(result.timings.previewMs).toBeGreaterThan(0);
    const small = shrink(result.images[0]!);
    const distances = steps.map(({ preview }) => {
      expect(preview).toMatchObject({ width: 8, height: 12 });
      expect(preview!.rgba).toHaveLength(8 * 12 * 4);
      return distance(preview!.rgba, small);
    });
    expect(distances.at(-1)).toBeLessThan(distances[0]!);
    // Euler's last prediction is where it ends: the preview is the latents, projected.
    const { latentToRgb } = pipeline.config;
    const projected = project(result.images[0]!.latents, latentToRgb);
    steps.at(-1)!.preview!.rgba.forEach((value, i) => expect(Math.abs(value - projected[i]!)).toBeLessThanOrEqual(1));
    // The model's own map is the better one for its own VAE.
    expect(latentToRgb).not.toEqual(sdxlLatentToRgb);
    const foreign = distance(project(result.images[0]!.latents, sdxlLatentToRgb), small);
    expect(distances.at(-1)).toBeLessThan(foreign);
  });

  it.skipIf(slow).each(['low', 'resident'] as const)(
    'full: decoded; the last one is the picture, as Euler ends where the model predicts (memory %s) (asked of one adapter, not SwiftShader)',
    async (memory) => {
      // Of the same mode: resident weights may lie transformed, which rounds elsewhere.
      const { result: plain } = await paint({}, memory);
      const { result, steps } = await paint({ preview: 'full', previewEvery: 3 }, memory);
      expect(steps.map(({ preview }) => preview !== undefined)).toEqual([false, false, true, false, true]);
      expect(result.images[0]!.rgba).toEqual(plain.images[0]!.rgba);
      expect(steps[4]!.preview).toMatchObject({ width: 64, height: 96 });
      expect(distance(steps[4]!.preview!.rgba, result.images[0]!.rgba)).toBeLessThan(1);
      expect(steps[2]!.preview!.rgba).not.toEqual(steps[4]!.preview!.rgba);
    },
  );

  it.skipIf(slow)(
    'full, of latents alone: decodes the previews only (asked of one adapter, not SwiftShader)',
    async () => {
      const { result, steps } = await paint({ preview: 'full', previewEvery: 5, output: 'latent' });
      expect(steps[4]!.preview!.rgba).toHaveLength(64 * 96 * 4);
      expect(result.images[0]!.rgba).toHaveLength(0);
    },
  );

  it.skipIf(slow).each(['heun', 'dpmpp-2m', 'pndm'])(
    'quick, with the solver %s and both halves in turn (asked of one adapter, not SwiftShader)',
    async (scheduler) => {
      const { result, steps } = await paint({
        preview: 'quick',
        scheduler,
        guidanceHalves: 'in-turn',
        count: 2,
        seed: 3,
      });
      expect(new Set(steps.map(({ picture }) => picture))).toEqual(new Set([0, 1]));
      const [first, second] = result.images.map(shrink) as [Uint8ClampedArray, Uint8ClampedArray];
      const last = (picture: number): Uint8ClampedArray =>
        steps.findLast((step) => step.picture === picture)!.preview!.rgba;
      expect(distance(last(0), first)).toBeLessThan(distance(last(0), second));
      expect(distance(last(1), second)).toBeLessThan(distance(last(1), first));
    },
  );

  it.each([0, 1.5])('refuses to show every %d steps', async (previewEvery) => {
    await expect(paint({ preview: 'quick', previewEvery })).rejects.toMatchObject({ code: 'shape/preview-every' });
  });
});
