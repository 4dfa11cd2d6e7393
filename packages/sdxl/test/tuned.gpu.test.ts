import { fileURLToPath } from 'node:url';
import { modelUrl } from '@pleinair/demo-model';
import { MemoryTuningStore, Tuner } from '@pleinair/kernels';
import { testDevice } from '@pleinair/testing';
import { folderSource } from '@pleinair/weights/node';
import type { Device, PickVariant } from '@pleinair/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { SdxlPipeline, type SdxlPipelineOptions } from '../src/pipeline.js';
import { planSdxl } from '../src/plan-sdxl.js';
import type { PipelineShape } from '../src/graphs.js';

const size = { width: 64, height: 64, steps: 2 };
const request = { ...size, prompt: 'a sailboat at sunset', seed: 1, scheduler: 'euler', guidance: 5 };

let device: Device;
beforeAll(async () => void (device = await testDevice()));

const open = (options: SdxlPipelineOptions) =>
  SdxlPipeline.open(folderSource(fileURLToPath(modelUrl)), device, { precision: 'f32', ...options });

/** Not the heuristics' choice in any linear layer, but few texts, as each is translated before it runs. */
const unusual: PickVariant = (shape, variants) =>
  shape.startsWith('linear') ? variants.find((name) => name === 'tiled32x32') : undefined;

describe('a pipeline with a tuner', () => {
  it('runs what is chosen, plans what it runs, and makes the same picture up to rounding', async () => {
    const store = new MemoryTuningStore();
    const plain = await open({ tuner: new Tuner(device, { store, mode: 'off' }) });
    const tuned = await open({ tuner: new Tuner(device, { store, mode: 'known' }), plan: { pick: unusual } });
    const shape: PipelineShape = {
      width: 64,
      height: 64,
      pictures: 1,
      guided: true,
      halves: 'together',
      chunks: 1,
      precision: 'f32',
      solver: { slots: 0, drawsNoise: false, evaluations: 2 },
    };
    const { pick } = await tuned.tune({ ...size, guidance: 5, mode: 'known' });
    const planned = planSdxl(tuned.config, shape, device.profile, { pick });
    const unplanned = planSdxl(tuned.config, shape, device.profile);
    expect(planned.components.unet).not.toEqual(unplanned.components.unet);
    const { pick: own } = await plain.tune({ ...size, guidance: 5, mode: 'off' });
    expect(planSdxl(plain.config, shape, device.profile, { pick: own })).toEqual(unplanned);

    const phases = new Set<string>();
    const first = await tuned.generate({ ...request, onProgress: ({ phase }) => phases.add(phase) });
    expect(phases).not.toContain('tuning');
    expect(first.memory.peakBytes).toBe(planned.peakBytes.low);
    const heuristics = await plain.generate(request);
    expect(heuristics.memory.peakBytes).toBe(unplanned.peakBytes.low);
    expect(heuristics.timings.tuneMs).toBe(0);
    // Twice the same choices give the same bits; other choices the same picture.
    const again = await tuned.generate(request);
    expect(again.images[0]!.latents).toEqual(first.images[0]!.latents);
    const [a, b] = [first.images[0]!.rgba, heuristics.images[0]!.rgba];
    const error = Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0) / a.length);
    expect(error).toBeLessThan(2);
    plain.dispose();
    tuned.dispose();
  });

  it('tells of tuning before anything is loaded, counts its time apart, and cancels', async () => {
    const pipeline = await open({ tuner: new Tuner(device, { store: new MemoryTuningStore(), budgetMs: 3000 }) });
    const phases: string[] = [];
    const controller = new AbortController();
    const cancelled = pipeline.generate({
      ...request,
      steps: 50,
      signal: controller.signal,
      onProgress: ({ phase }) => {
        if (phases.at(-1) !== phase) phases.push(phase);
        if (phase === 'tuning') controller.abort();
      },
    });
    await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' });
    expect(phases).toEqual(['tuning']);
    expect(device.memory.current).toEqual({ weights: 0, intermediates: 0, persistent: 0, staging: 0 });
    pipeline.dispose();
  });
});
