import { fileURLToPath } from 'node:url';
import type { PictureRequest, RgbaImage } from '@pleinair/diffusion';
import { readGolden, relativeRms, testDevice, type Golden } from '@pleinair/testing';
import { layeredSource, type ModelSource } from '@pleinair/weights';
import { folderSource } from '@pleinair/weights/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { load, type Painter } from '../src/painter.js';

const goldens = fileURLToPath(new URL('../../testing/goldens', import.meta.url));

/** What tools/reference/pipelines.py recorded of a run: the request, its pictures and latents by name. */
interface Run extends Omit<PictureRequest, 'image' | 'mask' | 'latents'> {
  readonly model: string;
  readonly image?: string;
  readonly mask?: string;
  readonly latents?: string;
}

/** A model's own folder, then what it shares with others. */
function sourceOf(model: string): ModelSource {
  const between = model === 'lcm' ? ['tiny-pipelines/told'] : model.startsWith('sd-') ? ['tiny-pipelines/sd'] : [];
  const folders = [`tiny-pipelines/${model}`, ...between];
  const shared = ['tiny-pipelines/base', 'tiny-sdxl'];
  return layeredSource([...folders, ...shared].map((folder) => folderSource(`${goldens}/${folder}`)));
}

const golden: Golden = await readGolden(`${goldens}/tiny-pipelines/goldens.safetensors`);
const runs = JSON.parse(golden.metadata['runs']!) as Record<string, Run>;

/** A picture of the goldens, [h, w, 3] there. */
function picture(name: string): RgbaImage {
  const { shape, data } = golden.tensor(name);
  const [height, width] = shape as [number, number];
  const rgba = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let i = 0; i < width * height; i++) for (let c = 0; c < 3; c++) rgba[4 * i + c] = Number(data[3 * i + c]);
  return { width, height, rgba };
}

// SwiftShader compiles every kernel anew: there every fifth run speaks for all.
const every = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader' ? 5 : 1;
const asked = Object.entries(runs).filter((_, i) => i % every === 0);

describe.each([...new Set(asked.map(([, { model }]) => model))])('%s against diffusers, prompt to latents', (model) => {
  let painter: Painter;
  beforeAll(async () => {
    painter = await load(sourceOf(model), {
      device: await testDevice(),
      precision: 'f32',
      tune: 'off',
      memory: 'resident',
    });
  });
  afterAll(() => painter.dispose());

  it.each(asked.filter(([, run]) => run.model === model))('%s', async (name, { image, mask, latents, ...request }) => {
    const { images } = await painter.generate({
      ...request,
      image: image === undefined ? undefined : picture(image),
      mask: mask === undefined ? undefined : picture(mask),
      latents: latents === undefined ? undefined : [golden.floats(`${latents}.latents`)],
      output: 'latent',
    });
    expect(relativeRms(images[0]!.latents, golden.floats(`${name}.latents`))).toBeLessThan(2e-3);
  });
});

describe('a model and its refiner, by one call', () => {
  const { model: _, latents: __, denoisingStart, ...request } = runs['refiner-rest']!;
  const options = async () =>
    ({ device: await testDevice(), precision: 'f32', tune: 'off', refiner: sourceOf('refiner') }) as const;

  it('share a schedule: what diffusers makes of both in turn', async () => {
    const painter = await load(sourceOf('base'), await options());
    const steps: number[] = [];
    const result = await painter.generate({
      ...request,
      image: undefined,
      mask: undefined,
      refinerStart: denoisingStart,
      output: 'latent',
      onStep: ({ step }) => steps.push(step),
    });
    expect(relativeRms(result.images[0]!.latents, golden.floats('refiner-rest.latents'))).toBeLessThan(2e-3);
    expect(steps).toEqual([1, 2, 3, 1, 2]);
    expect(result.refinerStart).toBe(denoisingStart);
    expect(result.memory.mode).toBe('low');
    const alone = await painter.generate({
      ...request,
      image: undefined,
      mask: undefined,
      refinerStart: 1,
      output: 'latent',
    });
    expect(alone.refinerStart).toBeUndefined();
    expect(relativeRms(alone.images[0]!.latents, result.images[0]!.latents)).toBeGreaterThan(0.02);
    painter.dispose();
  });

  it('tell of what does not go together before the first of them works', async () => {
    const painter = await load(sourceOf('base'), await options());
    const steps: number[] = [];
    const ask = { prompt: 'a kite', width: 64, height: 96, steps: 4, onStep: () => steps.push(1) };
    const image = picture('image');
    await expect(painter.generate({ ...ask, image, mask: picture('mask') })).rejects.toThrow(/no mask with a refiner/);
    await expect(painter.generate({ ...ask, refinerStart: 0.9999 })).rejects.toThrow(
      /got denoisingStart 0.9999 of 4 steps/,
    );
    await expect(painter.generate({ ...ask, image: Uint8Array.of(0xff, 0xd8, 0xff) })).rejects.toMatchObject({
      code: 'shape/picture-file',
      message: expect.stringContaining('got a JPEG') as string,
    });
    expect(steps).toEqual([]);
    painter.dispose();
  });
});

// Were these the same latents, the comparisons above would not tell one way from another.
it.each([
  ['absent-negative', 'base'],
  ['prompt-2', 'base'],
  ['clip-skip', 'base'],
  ['guidance-rescale', 'base'],
  ['micro-conditioning', 'base'],
  ['inpaint', 'image-to-image'],
  ['inpaint', 'inpaint-whole'],
  ['inpaint-9', 'inpaint-9-whole'],
  ['sd-clip-skip', 'sd'],
  ['sd-velocity', 'sd'],
])('the goldens %s and %s differ', (one, other) => {
  expect(relativeRms(golden.floats(`${one}.latents`), golden.floats(`${other}.latents`))).toBeGreaterThan(0.02);
});
