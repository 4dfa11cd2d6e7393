import { fileURLToPath } from 'node:url';
import { modelUrl } from '@pleinair/demo-model';
import {
  analyzePublished,
  candidatesOf,
  directSolver,
  LayerWeights,
  mapLog,
  psnr,
  type AnalysisEngine,
  type LayerForm,
  type ProbeEngine,
} from '@pleinair/palettize';
import type { Device } from '@pleinair/tensor';
import { testDevice } from '@pleinair/testing';
import type { ModelSource } from '@pleinair/weights';
import { folderSource } from '@pleinair/weights/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SdxlAnalysis } from '../src/analyze/sdxl-analysis.js';
import { openSdxl } from '../src/open-sdxl.js';
import { patchedSource } from './patched-source.js';

const source = folderSource(fileURLToPath(modelUrl));
const prompts = ['a sailboat at sunset', 'snowy hills under the moon', 'a cabin in a forest'];
const size = { width: 64, height: 64 };
const seed = 5;

/** What runs before the loop and in it, products and convolutions, in every kind of form. */
const swapped = new Map<string, LayerForm>([
  ['time_embedding.linear_1', 4],
  ['down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k', 2],
  ['down_blocks.1.attentions.0.transformer_blocks.0.ff.net.0.proj', 1],
  ['mid_block.resnets.0.conv1', 'linear8'],
  ['conv_out', 8],
]);

/** Compiling is what costs on SwiftShader; what an engine does with runs does not depend on the adapter. */
const isSwiftShader = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';
const together = 2;

let device: Device;
let analysis: SdxlAnalysis;
let weights: LayerWeights;
/** Of all prompts. */
let engine: ProbeEngine;
/** Of the first prompt. */
let single: ProbeEngine;
beforeAll(async () => {
  device = await testDevice();
  analysis = await SdxlAnalysis.open(source, { prompts, seed, ...size, together });
  weights = new LayerWeights(analysis.unet, { widths: [1, 2, 4, 8], solver: directSolver() });
  if (isSwiftShader) return;
  engine = await analysis.engine(device, { weights });
  single = await openSingle();
});
afterAll(() => {
  if (isSwiftShader) return;
  engine.dispose();
  single.dispose();
});

async function openSingle(): Promise<ProbeEngine> {
  const alone = await SdxlAnalysis.open(source, { prompts: prompts.slice(0, 1), seed, ...size });
  return alone.engine(device, { weights });
}

/** What a pipeline that loaded a model like any other makes of a prompt. */
async function latentsOf(model: ModelSource, prompt: string): Promise<Float32Array> {
  const pipeline = await openSdxl(model, device, { memory: 'low' });
  const { images } = await pipeline.generate({ prompt, seed, ...size, steps: 1, output: 'latent' });
  pipeline.dispose();
  return images[0]!.latents;
}

describe.skipIf(isSwiftShader)('the analysis engine of an SDXL model (asked of one adapter, not SwiftShader)', () => {
  it('measures what a pipeline with those weights makes, to the bit', async () => {
    const prompt = prompts[0]!;
    const patches = await Promise.all(
      [...swapped].map(async ([layer, form]) => {
        const entry = analysis.unet.entries.get(`${layer}.weight`)!;
        expect(entry.dtype).toBe('F16');
        return { entry, values: await weights.get(entry.name, form) };
      }),
    );
    const original = await latentsOf(source, prompt);
    for (const [layer, form] of swapped) await single.swap(layer, form);
    const expected = psnr(original, await latentsOf(patchedSource(source, patches), prompt));
    expect(await single.measure()).toEqual([expected]);
    expect(expected).toBeLessThan(80);
    for (const layer of swapped.keys()) await single.swap(layer, 16);
    expect(await single.measure()).toEqual([psnr(original, original)]);
  });

  it('repeats itself to the bit, whatever prompts run beside one another', async () => {
    expect([engine.prompts, engine.runs]).toEqual([3, 3]);
    const unchanged = await engine.measure();
    for (const value of unchanged) expect(value).toBeGreaterThan(190);
    // Before the loop, and in it.
    const some = [...swapped].slice(1, 3);
    for (const [layer, form] of some) {
      await engine.swap(layer, form);
      const changed = await engine.measure();
      for (const value of changed) expect(value).toBeLessThan(100);
      expect(await engine.measure({ prompts: [2, 0, 1, 2] })).toEqual([2, 0, 1, 2].map((i) => changed[i]));
      expect(await engine.measure({ prompts: [1] })).toEqual([changed[1]]);
      await engine.swap(layer, 16);
      expect(await engine.measure()).toEqual(unchanged);
    }
    expect(engine.runs).toBe(3 + 3 + some.length * (3 + 4 + 1 + 3));
  });

  it('knows how far f16 is from f32, and goes on with the weights it had', async () => {
    await single.swap('conv_out', 4);
    const before = await single.measure();
    const held = device.memory.current.weights;
    const [original] = await single.measureOriginal();
    expect(original).toBeGreaterThan(50);
    expect(original).toBeLessThan(150);
    expect(device.memory.current.weights).toBeLessThan(held);
    expect(await single.measure()).toEqual(before);
    expect(device.memory.current.weights).toBe(held);
    await single.swap('conv_out', 16);
  });

  it('refuses layers that the UNet lacks', async () => {
    await expect(engine.swap('mid_block.nothing', 4)).rejects.toMatchObject({ code: 'palettize/invalid-argument' });
  });

  it('analyses to the same recipes after being stopped', async () => {
    const candidates = candidatesOf(analysis.unet.entries.values(), { minWeights: 0 })
      .filter(({ layer }) => swapped.has(layer))
      .slice(0, 2);
    const options = { modelVersion: 'demo', candidates, widths: [2] as const, recipes: 1 };
    const { file, runs } = await analyzePublished({ ...options, engine: withoutF32(single) });
    const log = mapLog();
    const stop = new AbortController();
    const stopping = analyzePublished({
      ...options,
      engine: withoutF32(single),
      log,
      signal: stop.signal,
      onProgress: ({ done }) => done === 3 && stop.abort(),
    });
    await expect(stopping).rejects.toMatchObject({ code: 'cancelled' });
    // As another process would: with an engine that knows nothing of the first.
    const again = await openSingle();
    const before = again.runs;
    const resumed = await analyzePublished({ ...options, engine: withoutF32(again), log });
    expect(resumed).toEqual({ file, runs });
    expect(again.runs - before).toBe(runs - 3 - 1);
    again.dispose();
    for (const { layer } of candidates) await single.swap(layer, 16); // the one that was stopped was left as it stood
  });
});

/** An engine that says of itself that f16 is as good as f32: measured above, and not worth loading the model twice. */
function withoutF32(of: ProbeEngine): AnalysisEngine {
  return {
    prompts: of.prompts,
    get runs() {
      return of.runs;
    },
    swap: (layer, form, signal) => of.swap(layer, form, signal),
    measure: (options) => of.measure(options),
    measureOriginal: () => Promise.resolve([82]),
  };
}

describe('opening an SDXL model for analysis', () => {
  it('refuses prompts of more than one chunk, and none', async () => {
    const long = Array.from({ length: 80 }, () => 'moon').join(' ');
    for (const given of [[long], [prompts[0]!, long], []]) {
      await expect(SdxlAnalysis.open(source, { prompts: given })).rejects.toMatchObject({
        code: 'palettize/invalid-argument',
      });
    }
  });

  it('refuses a size that the model cannot make', async () => {
    await expect(SdxlAnalysis.open(source, { prompts, width: 65 })).rejects.toMatchObject({ code: 'shape/size' });
  });

  it('tells settings apart that change what is measured', async () => {
    const settings = await analysis.settings(device);
    expect(settings).toMatchObject({ prompts, seed, ...size, adapter: device.profile.name });
    const other = await SdxlAnalysis.open(source, { prompts, seed: 6, ...size });
    expect(await other.settings(device)).not.toEqual(settings);
    expect(await analysis.settings(device)).toEqual(settings);
  });

  it('frees what it made when it is stopped while loading', async () => {
    const held = { ...device.memory.current };
    const stop = new AbortController();
    const loading = analysis.engine(device, {
      weights,
      signal: stop.signal,
      onProgress: ({ part, phase }) => part === 'unet' && phase === 'weights' && stop.abort(),
    });
    await expect(loading).rejects.toMatchObject({ code: 'cancelled' });
    expect(device.memory.current).toEqual(held);
  });
});
