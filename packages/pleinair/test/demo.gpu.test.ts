import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { modelUrl } from '@pleinair/demo-model';
import { planSdxl, type SdxlConfig } from '@pleinair/sdxl';
import { readGolden, relativeRms, testDevice, type Golden } from '@pleinair/testing';
import type { ModelSource } from '@pleinair/weights';
import { folderSource } from '@pleinair/weights/node';
import { beforeAll, describe, expect, it } from 'vitest';
import { load } from '../src/painter.js';

interface Run {
  readonly prompt: string;
  readonly negative_prompt?: string;
  readonly seed: number;
  readonly width?: number;
  readonly height?: number;
  readonly steps?: number;
  readonly guidance?: number;
  /** What `model_index.json` says of an absent negative prompt, where the run says otherwise. */
  readonly force_zeros?: boolean;
}

const stepsOf = (run: Run): number => run.steps ?? Number(golden.metadata['steps']);
const guidanceOf = (run: Run): number => run.guidance ?? Number(golden.metadata['guidance']);

/** The demo model as it would be without zeros for an absent negative prompt. */
function withoutForcedZeros(): ModelSource {
  const source = folderSource(fileURLToPath(modelUrl));
  return {
    ...source,
    async readJson(path, options) {
      const json = await source.readJson(path, options);
      return path === 'model_index.json' ? { ...(json as object), force_zeros_for_empty_prompt: false } : json;
    },
  };
}

// SwiftShader compiles every kernel anew for each device: there two runs speak for all.
const every = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader' ? 7 : 1;

let golden: Golden;
beforeAll(async () => {
  golden = await readGolden(new URL('../../testing/goldens/demo-model.safetensors', import.meta.url));
});

describe.each([
  ['f32', 'resident', 2e-3, 1.5],
  ['f16', 'low', 5e-2, 6],
] as const)('the demo model whole against diffusers, %s, memory %s', (precision, memory, limit, pixelLimit) => {
  it('gives the same latents and the same picture, prompt to pixels', async () => {
    const device = await testDevice();
    const options = { device, precision, memory, tune: 'off' } as const;
    const painters = { zeros: await load(modelUrl, options), encodes: await load(withoutForcedZeros(), options) };
    const runs = JSON.parse(golden.metadata['runs']!) as Record<string, Run>;
    for (const [name, run] of Object.entries(runs).filter((_, i) => i % every === 0)) {
      const { images } = await painters[run.force_zeros === false ? 'encodes' : 'zeros'].generate({
        prompt: run.prompt,
        negativePrompt: run.negative_prompt,
        seed: run.seed,
        width: run.width,
        height: run.height,
        steps: stepsOf(run),
        guidance: guidanceOf(run),
      });
      expect(relativeRms(images[0]!.latents, golden.floats(`${name}.latents`)), name).toBeLessThan(limit);
      // Golden pixels are [1, 3, h, w].
      const { shape, data } = golden.tensor(`${name}.image`);
      const pixels = shape[2]! * shape[3]!;
      let error = 0;
      for (let c = 0; c < 3; c++) {
        for (let p = 0; p < pixels; p++) error += (images[0]!.rgba[p * 4 + c]! - Number(data[c * pixels + p])) ** 2;
      }
      expect(Math.sqrt(error / (3 * pixels)), `${name}, pixel error of 255`).toBeLessThan(pixelLimit);
      expect([images[0]!.height, images[0]!.width]).toEqual(shape.slice(2));
    }
    painters.zeros.dispose();
    painters.encodes.dispose();
  });

  it('holds what the plan says, exactly', async () => {
    const device = await testDevice();
    const before = device.memory.current;
    const painter = await load(modelUrl, { device, precision, memory, tune: 'off' });
    const { width, height } = painter.config.defaults;
    const plan = planSdxl(
      painter.config as SdxlConfig,
      {
        width,
        height,
        pictures: 1,
        guided: true,
        halves: 'together',
        chunks: 1,
        precision,
        solver: { slots: 0, drawsNoise: false, evaluations: 2 },
      },
      device.profile,
    );
    const result = await painter.generate({ prompt: 'a sailboat at sunset', steps: 2, seed: 1, scheduler: 'euler' });
    expect(before.weights + before.intermediates + before.persistent).toBe(0);
    expect(result.memory.peakBytes).toBe(plan.peakBytes[memory]);
    expect(result.memory.intermediatesBytes).toBe(
      Math.max(...Object.values(plan.components).map((c) => c.intermediatesBytes)),
    );
    painter.dispose();
    const { weights, intermediates, persistent } = device.memory.current;
    expect({ weights, intermediates, persistent }).toEqual({ weights: 0, intermediates: 0, persistent: 0 });
  });
});

// Were these the same picture, the comparisons above would not tell one path from another.
it.each([
  ['absent-negative', 'empty-negative', 'an absent negative prompt is not an empty one'],
  ['long', 'long-prompt', 'a negative prompt counts beside a long one'],
  ['long-prompt', 'long-unguided', 'guidance counts'],
])('the goldens %s and %s differ: %s', (one, other) => {
  const difference = relativeRms(golden.floats(`${one}.latents`), golden.floats(`${other}.latents`));
  expect(difference).toBeGreaterThan(0.01);
});

describe('a run that is stopped or asked wrongly', () => {
  it('cancels between slices and can be asked again', async () => {
    const painter = await load(modelUrl, { device: await testDevice(), tune: 'off' });
    const controller = new AbortController();
    const request = { prompt: 'a lighthouse at night', steps: 30, seed: 3, width: 64, height: 64 };
    const steps: number[] = [];
    const stopped = painter.generate({
      ...request,
      signal: controller.signal,
      onStep: ({ step }) => {
        steps.push(step);
        if (step === 2) controller.abort();
      },
    });
    await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
    expect(steps).toEqual([1, 2]);
    const again = await painter.generate({ ...request, steps: 2 });
    expect(again.images).toHaveLength(1);
    painter.dispose();
  });

  it('goes on with a second chunk where a prompt is long, and says so', async () => {
    const painter = await load(modelUrl, { device: await testDevice(), tune: 'off' });
    const long = `${'a snowy mountain and '.repeat(40)}a cabin`;
    const { notes } = await painter.generate({ prompt: long, steps: 1, seed: 3, width: 64, height: 64 });
    expect(notes.join(' ')).toMatch(/\d+ tokens/);
    painter.dispose();
  });

  it('keeps seeds of a count as single runs give them', async () => {
    const painter = await load(modelUrl, { device: await testDevice(), tune: 'off' });
    const request = { prompt: 'a desert at noon', steps: 2, width: 64, height: 64, scheduler: 'euler-ancestral' };
    const both = await painter.generate({ ...request, seed: 8, count: 2 });
    const second = await painter.generate({ ...request, seed: 9 });
    expect(both.images.map(({ seed }) => seed)).toEqual([8, 9]);
    expect([...both.images[1]!.rgba]).toEqual([...second.images[0]!.rgba]);
    painter.dispose();
  });
});

it('the goldens belong to the weights in the tree', async () => {
  const { createHash } = await import('node:crypto');
  const { readdir } = await import('node:fs/promises');
  const folder = fileURLToPath(modelUrl);
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.safetensors')).sort();
  const hash = createHash('sha256');
  for (const file of files) hash.update(await readFile(`${folder}/${file}`));
  expect(hash.digest('hex')).toBe(golden.metadata['weights_sha256']);
});
