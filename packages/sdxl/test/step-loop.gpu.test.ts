import { modelUrl } from '@pleinair/demo-model';
import { solverShape } from '@pleinair/diffusion';
import { schedulerFromConfig } from '@pleinair/schedulers';
import type { Device } from '@pleinair/tensor';
import { testDevice } from '@pleinair/testing';
import { folderSource } from '@pleinair/weights/node';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { PipelineShape } from '../src/graphs.js';
import { openSdxl } from '../src/open-sdxl.js';
import { planSdxl } from '../src/plan-sdxl.js';
import { watchDispatches, watchTraffic } from './device-watch.js';

const source = folderSource(fileURLToPath(modelUrl));
const request = { prompt: 'a sailboat at sunset', width: 64, height: 96, seed: 1, output: 'latent' } as const;

let device: Device;
beforeAll(async () => {
  device = await testDevice();
});
afterEach(() => vi.restoreAllMocks());

/** What the host writes and makes does not depend on the adapter, and SwiftShader compiles each pipeline anew. */
const slow = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';
const halves = ['together', 'in-turn'] as const;

describe.skipIf(slow).each(halves)(
  'the step loop, halves %s (asked of one adapter, not SwiftShader)',
  (guidanceHalves) => {
    it.each([
      ['euler', 5],
      ['heun', 3],
      ['euler-ancestral', 4],
    ] as const)('%s: writes a few numbers a step, makes nothing and reads nothing back', async (scheduler, steps) => {
      const pipeline = await openSdxl(source, device, { memory: 'resident' });
      const encoded = watchDispatches(device);
      const traffic = watchTraffic(device);
      const seen: { dispatches: number; writes: number; mappings: number; made: number }[] = [];
      const look = (): void => {
        const { writes, mappings, buffersMade, bindGroupsMade } = traffic;
        const made = buffersMade + bindGroupsMade;
        seen.push({ dispatches: encoded.dispatches, writes: writes.length, mappings, made });
      };
      await pipeline.generate({ ...request, scheduler, steps, guidanceHalves, onStep: look });
      expect(seen.length).toBeGreaterThanOrEqual(scheduler === 'heun' ? 2 * steps - 1 : steps);
      const draws = scheduler === 'euler-ancestral' ? 1 : 0;
      const latentBytes = 8 * 12 * 4 * 4;
      const { config } = pipeline;
      const shape: PipelineShape = {
        width: request.width,
        height: request.height,
        pictures: 1,
        guided: true,
        halves: guidanceHalves,
        chunks: 1,
        precision: 'f16',
        solver: solverShape(schedulerFromConfig(config.scheduler, { scheduler }).plan(steps)),
      };
      const loop = planSdxl(config, shape, device.profile, { transformedWeights: true }).components.unet;
      seen.slice(1).forEach((now, i) => {
        const before = seen[i]!;
        expect(now.dispatches - before.dispatches).toBe(loop.dispatches);
        expect(now.mappings).toBe(before.mappings);
        expect(now.made).toBe(before.made);
        // Coefficients, the evaluation's number and, where the solver draws, noise as large as the latents.
        const writes = traffic.writes.slice(before.writes, now.writes);
        expect(writes.length).toBe(2 + draws);
        const small = draws ? writes.filter((bytes) => bytes !== latentBytes) : writes;
        expect(small.length).toBe(2);
        for (const bytes of small) expect(bytes).toBeLessThanOrEqual(256);
      });
      pipeline.dispose();
    });
  },
);

describe('a run with another number of steps', () => {
  it('uploads no weight again, and gives what a fresh pipeline gives', async () => {
    const pipeline = await openSdxl(source, device, { memory: 'resident' });
    await pipeline.generate({ ...request, scheduler: 'euler', steps: 2 });
    const before = device.memory.current.weights;
    const { writes } = watchTraffic(device);
    const { images, pipelines, timings } = await pipeline.generate({ ...request, scheduler: 'euler', steps: 5 });
    expect(pipelines.used).toBeGreaterThan(20);
    expect(timings.compileMs).toBeGreaterThan(0);
    expect(device.memory.current.weights).toBe(before);
    // The largest thing written is the prompt's states; the model's weights are 20 MB.
    expect(writes.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(before / 20);
    pipeline.dispose();
    vi.restoreAllMocks();
    const fresh = await openSdxl(source, device, { memory: 'low' });
    const again = await fresh.generate({ ...request, scheduler: 'euler', steps: 5 });
    expect(again.images[0]!.latents).toEqual(images[0]!.latents);
    fresh.dispose();
  });
});
