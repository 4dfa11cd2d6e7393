import { fileURLToPath } from 'node:url';
import { modelUrl } from '@pleinair/demo-model';
import type { Device } from '@pleinair/tensor';
import { testDevice } from '@pleinair/testing';
import { folderSource } from '@pleinair/weights/node';
import { beforeAll, expect, it } from 'vitest';
import { partGraph, type PipelineShape } from '../src/graphs.js';
import { openSdxl } from '../src/open-sdxl.js';
import { planSdxl } from '../src/plan-sdxl.js';
import type { PictureResult } from '@pleinair/diffusion';

const source = folderSource(fileURLToPath(modelUrl));
const size = { width: 256, height: 192 };

let device: Device;
beforeAll(async () => {
  device = await testDevice();
});

async function paint(vae: 'tiled' | 'exact'): Promise<{ result: PictureResult; progress: number[]; low: number }> {
  const pipeline = await openSdxl(source, device, { vae, precision: 'f16' });
  const progress: number[] = [];
  const result = await pipeline.generate({
    prompt: 'a snowy mountain under a full moon',
    ...size,
    steps: 6,
    seed: 7,
    onProgress: ({ part, phase, loaded, total }) => {
      if (part === 'vae_decoder' && phase === 'run') progress.push(loaded / total);
    },
  });
  const shape: PipelineShape = {
    ...size,
    pictures: 1,
    guided: true,
    halves: 'together',
    chunks: 1,
    precision: 'f16',
    solver: { slots: 0, drawsNoise: false, evaluations: 6 },
    vae,
  };
  const options = { transformedWeights: false };
  const { low } = planSdxl(pipeline.config, shape, device.profile, options).peakBytes;
  expect(partGraph(pipeline.config, shape, 'vae_decoder').name).toContain(vae === 'tiled' ? 'tiled' : 'vae_decoder');
  pipeline.dispose();
  return { result, progress, low };
}

// A small VAE is taken through bands on every adapter, in diffusion; pictures so large take SwiftShader minutes.
const slow = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';

it.skipIf(slow)(
  'the demo model paints the same picture in bands, 45 dB and more, in the memory planned (asked of one adapter, not SwiftShader)',
  async () => {
    const whole = await paint('exact');
    const tiled = await paint('tiled');
    const [a, b] = [whole.result.images[0]!.rgba, tiled.result.images[0]!.rgba];
    let squares = 0;
    a.forEach((v, i) => (squares += (v - b[i]!) ** 2));
    expect(10 * Math.log10((255 ** 2 * a.length * 0.75) / squares)).toBeGreaterThan(45);
    for (const { result, low } of [whole, tiled]) expect(result.memory.peakBytes).toBe(low);
    expect(tiled.result.memory.intermediatesBytes).toBeLessThan(whole.result.memory.intermediatesBytes);
    // Told band by band, to the end.
    expect(tiled.progress.length).toBeGreaterThan(3);
    expect(tiled.progress).toEqual(tiled.progress.toSorted((x, y) => x - y));
    expect(tiled.progress.at(-1)).toBe(1);
  },
  600_000,
);
