import { fileURLToPath } from 'node:url';
import type { Picture, RunState, StepReport } from '@pleinair/diffusion';
import type { Device } from '@pleinair/tensor';
import { freshDevice, readGolden, testDevice, type Golden } from '@pleinair/testing';
import { layeredSource, type ModelSource } from '@pleinair/weights';
import { folderSource } from '@pleinair/weights/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { load, type GenerateRequest, type Painter } from '../src/painter.js';

/** Coming out alike to the last bit is the host's doing and the same everywhere; SwiftShader compiles each kernel anew. */
const slow = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';
const goldens = fileURLToPath(new URL('../../testing/goldens', import.meta.url));
const golden: Golden = await readGolden(`${goldens}/tiny-pipelines/goldens.safetensors`);
const options = { precision: 'f32', tune: 'off', memory: 'low' } as const;
const asked = {
  prompt: 'a red kite over dunes',
  negativePrompt: 'blurry',
  width: 64,
  height: 96,
  guidance: 5,
} as const;

function sourceOf(model: string): ModelSource {
  const folders = [`tiny-pipelines/${model}`, 'tiny-pipelines/base', 'tiny-sdxl'];
  return layeredSource(folders.map((folder) => folderSource(`${goldens}/${folder}`)));
}

function picture(name: string): NonNullable<GenerateRequest['image']> {
  const { shape, data } = golden.tensor(name);
  const [height, width] = shape as [number, number];
  const rgba = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let i = 0; i < width * height; i++) for (let c = 0; c < 3; c++) rgba[4 * i + c] = Number(data[3 * i + c]);
  return { width, height, rgba };
}

/** Runs a request until it has reported so many steps, as a device that is lost then would let it. */
async function leftAfter(painter: Painter, request: GenerateRequest, reports: number): Promise<RunState> {
  const stop = new AbortController();
  const states: (RunState | undefined)[] = [];
  const run = painter.generate({
    ...request,
    keepState: true,
    signal: stop.signal,
    onStep: ({ state }) => {
      states.push(state);
      if (states.length === reports) stop.abort();
    },
  });
  await expect(run).rejects.toMatchObject({ code: 'cancelled' });
  expect(states).toHaveLength(reports);
  return structuredClone(states.at(-1)!); // as a worker's message would
}

let second: Device;
beforeAll(async () => {
  second = await freshDevice();
});
afterAll(() => second.destroy());

describe.skipIf(slow)('a run goes on from a state on another device (asked of one adapter, not SwiftShader)', () => {
  const image = picture('image');
  const mask = picture('mask');
  const cases: Record<string, { model: string; after: number; request: Partial<GenerateRequest> }> = {
    'text to image': { model: 'base', after: 2, request: { scheduler: 'euler', steps: 4 } },
    'random steps': { model: 'base', after: 3, request: { scheduler: 'euler-ancestral', steps: 5 } },
    'random steps with a history': { model: 'base', after: 2, request: { scheduler: 'dpmpp-2m-sde', steps: 4 } },
    'between two evaluations of a step': { model: 'base', after: 3, request: { scheduler: 'heun', steps: 3 } },
    'image to image': {
      model: 'base',
      after: 1,
      request: { scheduler: 'euler-ancestral', steps: 5, image, strength: 0.6 },
    },
    inpainting: {
      model: 'base',
      after: 2,
      request: { scheduler: 'euler-ancestral', steps: 5, image, mask, strength: 0.8 },
    },
    'inpainting from noise': { model: 'base', after: 2, request: { scheduler: 'ddim', steps: 4, image, mask } },
    'inpainting by a UNet that sees the mask': {
      model: 'inpaint',
      after: 2,
      request: { scheduler: 'euler-ancestral', steps: 5, image, mask, strength: 0.6 },
    },
    'the second of three pictures': {
      model: 'base',
      after: 5,
      request: { scheduler: 'dpmpp-sde', steps: 2, count: 3 },
    },
  };

  it.each(Object.entries(cases))('%s', async (_, { model, after, request }) => {
    const whole: GenerateRequest = { ...asked, seed: 7, ...request };
    const first = await load(sourceOf(model), { ...options, device: await testDevice() });
    const expected = await first.generate(whole);
    const state = await leftAfter(first, whole, after);
    first.dispose();

    const other = await load(sourceOf(model), { ...options, device: second });
    const steps: StepReport[] = [];
    const told: Picture[] = [];
    const { seed: _seed, ...rest } = whole;
    const result = await other.generate({
      ...rest, // the seed is the state's
      resume: state,
      onStep: (step) => steps.push(step),
      onImage: (each) => told.push(each),
    });
    other.dispose();
    expect(result.images.map(({ latents }) => latents)).toEqual(expected.images.map(({ latents }) => latents));
    expect(result.images.map(({ rgba }) => rgba)).toEqual(expected.images.map(({ rgba }) => rgba));
    expect(result.images.map(({ seed }) => seed)).toEqual(expected.images.map(({ seed }) => seed));
    expect(told).toEqual(result.images);
    const each = steps.at(-1)!.steps;
    expect(steps).toHaveLength(expected.images.length * each - after);
    expect([steps[0]!.picture, steps[0]!.step]).toEqual([Math.floor(after / each), (after % each) + 1]);
    expect(result.timings.encodeMs).toBe(0);
  });

  it('a refiner goes on from what its model has left', async () => {
    const whole: GenerateRequest = { ...asked, seed: 7, steps: 5, refinerStart: 0.6, count: 2, output: 'latent' };
    const first = await load(sourceOf('base'), {
      ...options,
      refiner: sourceOf('refiner'),
      device: await testDevice(),
    });
    const expected = await first.generate(whole);
    // Three steps of the model for each picture, then two of the refiner.
    const states = [await leftAfter(first, whole, 4), await leftAfter(first, whole, 9)];
    first.dispose();
    expect(states.map(({ begun }) => begun?.length)).toEqual([undefined, 2]);
    const other = await load(sourceOf('base'), { ...options, refiner: sourceOf('refiner'), device: second });
    for (const [i, resume] of states.entries()) {
      const steps: number[] = [];
      const result = await other.generate({ ...whole, resume, onStep: ({ step }) => steps.push(step) });
      expect(result.images.map(({ latents }) => latents)).toEqual(expected.images.map(({ latents }) => latents));
      expect(steps).toEqual([[2, 3, 1, 2, 1, 2], [2]][i]);
    }
    other.dispose();
  });

  it('with nothing left but to decode, and with other previews, which are no part of a run', async () => {
    const whole: GenerateRequest = { ...asked, seed: 7, scheduler: 'dpmpp-2m', steps: 3 };
    const first = await load(sourceOf('base'), { ...options, device: await testDevice() });
    const expected = await first.generate(whole);
    const done = await leftAfter(first, { ...whole, preview: 'quick' }, 3);
    const begun = await leftAfter(first, { ...whole, preview: 'quick' }, 1);
    first.dispose();
    const other = await load(sourceOf('base'), { ...options, device: second });
    const loaded = new Set<string>();
    const result = await other.generate({ ...whole, resume: done, onProgress: ({ part }) => loaded.add(part) });
    expect(result.images).toEqual(expected.images);
    expect([...loaded]).toEqual(['vae_decoder']);
    expect(result.stepsPerSecond).toBe(0);
    const shown: StepReport[] = [];
    const { images } = await other.generate({
      ...whole,
      resume: begun,
      preview: 'full',
      keepState: true,
      onStep: (step) => shown.push(step),
    });
    expect(images[0]!.latents).toEqual(expected.images[0]!.latents);
    expect(shown.map(({ preview, state }) => [preview?.width, state?.evaluations])).toEqual([
      [64, 2],
      [64, 3],
    ]);
    other.dispose();
  });

  it('a state is held to the request, before anything is done', async () => {
    const whole: GenerateRequest = { ...asked, seed: 7, scheduler: 'ddim', steps: 3, output: 'latent' };
    const painter = await load(sourceOf('base'), { ...options, device: await testDevice() });
    const resume = await leftAfter(painter, whole, 1);
    const wrong: readonly [Partial<GenerateRequest>, RegExp][] = [
      [{ width: 96 }, /expected width 64, got 96/],
      [{ seed: 8 }, /expected seed 7, got 8/],
      [{ rng: 'numpy' }, /expected rng torch, got numpy/],
      [{ steps: 4 }, /expected steps 3, got 4/],
      [{ guidance: 6 }, /expected guidance 5, got 6/],
      [{ scheduler: 'euler' }, /expected scheduler DDIMScheduler, got EulerDiscreteScheduler/],
      [{ eta: 0.5 }, /expected the schedule that its run had, got other noise levels or another eta/],
      [{ image, strength: 1 }, /expected strength left out, got 1/],
      [{ resume: { ...resume, picture: 1 } }, /expected a picture among the 1 asked for, got 1/],
      [{ resume: { ...resume, evaluations: 0 } }, /expected 1 to 3 finished evaluations, got 0/],
      [{ resume: { ...resume, planes: resume.planes.slice(1) } }, /expected numbers in planes \d+, got \d+/],
      [{ count: 2, resume: { ...resume, picture: 1 } }, /expected finished pictures 1, got 0/],
    ];
    for (const [change, message] of wrong) {
      const run = painter.generate({ ...whole, resume, ...change });
      await expect(run).rejects.toMatchObject({
        code: 'shape/resume',
        message: expect.stringMatching(message) as string,
      });
    }
    painter.dispose();
  });

  // The last, as the device is gone after it.
  it('when a device is lost in mid-run', async () => {
    const whole: GenerateRequest = { ...asked, seed: 7, scheduler: 'euler', steps: 4, output: 'latent' };
    const lost = await load(sourceOf('base'), { ...options, device: second });
    let last: RunState | undefined;
    const run = lost.generate({
      ...whole,
      keepState: true,
      onStep: ({ step, state }) => {
        last = state;
        if (step === 2) second.destroy();
      },
    });
    await expect(run).rejects.toMatchObject({ code: 'device/lost' });
    lost.dispose();
    const painter = await load(sourceOf('base'), { ...options, device: await testDevice() });
    const [expected, result] = [await painter.generate(whole), await painter.generate({ ...whole, resume: last })];
    expect(last?.evaluations).toBe(2);
    expect(result.images[0]!.latents).toEqual(expected.images[0]!.latents);
    painter.dispose();
  });
});
