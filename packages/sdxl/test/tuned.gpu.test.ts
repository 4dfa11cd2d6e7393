import { fileURLToPath } from 'node:url';
import { modelUrl } from '@pleinair/demo-model';
import { MemoryTuningStore, Tuner, type TuningRecord } from '@pleinair/kernels';
import { testDevice } from '@pleinair/testing';
import { folderSource } from '@pleinair/weights/node';
import { planProgram, type Device, type Kernel, type PickVariant } from '@pleinair/tensor';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { PipelineOptions } from '@pleinair/diffusion';
import { openSdxl, type SdxlPipeline } from '../src/open-sdxl.js';
import { planSdxl } from '../src/plan-sdxl.js';
import { partGraph, partNames, type PipelineShape } from '../src/graphs.js';
import { watchDispatches } from './device-watch.js';

const size = { width: 64, height: 64, steps: 2 };
const request = { ...size, prompt: 'a sailboat at sunset', seed: 1, scheduler: 'euler', guidance: 5 };

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

let device: Device;
beforeAll(async () => void (device = await testDevice()));
afterEach(() => vi.restoreAllMocks());

const open = (options: PipelineOptions) =>
  openSdxl(folderSource(fileURLToPath(modelUrl)), device, { precision: 'f32', ...options });

/** Not the heuristics' choice in any linear layer, but few texts, as each is translated before it runs. */
const unusual: PickVariant = (key, variants) =>
  key.startsWith('linear') ? variants.find((name) => name === 'tiled32x32') : undefined;

/** The kernels of all parts under a pick, by key. */
function plannedKernels(pipeline: SdxlPipeline, pick?: PickVariant): ReadonlyMap<string, Kernel> {
  const plans = partNames.map((part) => planProgram(partGraph(pipeline.config, shape, part), device.profile, { pick }));
  const nodes = plans.flatMap(({ segments }) => segments.flatMap((segment) => segment.nodes));
  return new Map(nodes.flatMap(({ dispatches }) => dispatches.map(({ kernel }) => [kernel.key, kernel])));
}

/** The pipelines of kernels; those that were built already are the ones that runs dispatch. */
async function pipelinesOf(kernels: Iterable<Kernel>): Promise<Set<GPUComputePipeline>> {
  const built = await device.pipelines.compile(kernels);
  return new Set([...built.values()].map(({ gpu }) => gpu));
}

describe('a winner in the store', () => {
  /** A store in which one shape, of those that weigh most, is won by a variant that no heuristic takes. */
  async function seeded(change: (record: TuningRecord) => Partial<TuningRecord> = () => ({}), budgetMs = 50) {
    const found = new MemoryTuningStore();
    // Time to look at what there is to choose from, and hardly any to time it.
    const tuner = new Tuner(device, { store: found, mode: 'quick', budgetMs });
    const first = await open({ tuner });
    const { shapes } = await first.tune({ ...size, guidance: 5, mode: 'quick' });
    const untimed = shapes.find(
      ({ record: one }) =>
        one?.extent === 'none' && Object.keys(one.kernels).length > 1 && !Object.keys(one.times).length,
    );
    // A machine with other work to do did not get to look at one.
    if (!untimed && budgetMs < 1000) return seeded(change, budgetMs * 4);
    const { subject, record } = untimed!;
    const others = subject.names.filter((name) => name !== record!.heuristic && name in record!.kernels);
    const winner = others.find((name) => name === 'columns8x32') ?? others[0]!;
    const records = await found.load(tuner.adapter);
    const [key] = [...records].find(([, one]) => one === record)!;
    const store = new MemoryTuningStore();
    const won: TuningRecord = { ...record!, winner, extent: 'all' };
    await store.save(tuner.adapter, new Map([[key, { ...won, ...change(won) }]]));
    const heuristics = plannedKernels(first);
    const chosen = plannedKernels(first, (asked) => (asked === subject.shape ? winner : undefined));
    expect([...chosen.keys()]).not.toEqual([...heuristics.keys()]);
    return { store, winner, subject, chosen, heuristics, first };
  }

  it('is what a pipeline dispatches, and nothing is timed again', async () => {
    const { store, winner, subject, chosen, heuristics, first } = await seeded();
    const second = await open({ tuner: new Tuner(device, { store, mode: 'known' }) });
    const work = watchDispatches(device);
    const phases = new Set<string>();
    const result = await second.generate({ ...request, onProgress: ({ phase }) => phases.add(phase) });
    vi.restoreAllMocks();
    expect(phases).not.toContain('tuning');
    expect(work.pipelines).toEqual(await pipelinesOf(chosen.values()));
    expect(result.pipelines.used).toBe(chosen.size);
    const only = [...chosen.values()].filter(({ key }) => !heuristics.has(key));
    expect(only.length, `${subject.shape} by ${winner}`).toBeGreaterThan(0);
    for (const pipeline of await pipelinesOf(only)) expect(work.pipelines).toContain(pipeline);
    const pick: PickVariant = (asked) => (asked === subject.shape ? winner : undefined);
    expect(result.memory.peakBytes).toBe(planSdxl(second.config, shape, device.profile, { pick }).peakBytes.low);
    const { pick: told } = await second.tune({ ...size, guidance: 5, mode: 'known' });
    expect(told(subject.shape, subject.names)).toBe(winner);
    first.dispose();
    second.dispose();
  });

  it('is left alone where the texts of its kernels have changed since', async () => {
    const { store, heuristics, first } = await seeded(({ winner, kernels }) => ({
      kernels: { ...kernels, [winner!]: 'of another version' },
    }));
    const second = await open({ tuner: new Tuner(device, { store, mode: 'known' }) });
    const work = watchDispatches(device);
    await second.generate(request);
    vi.restoreAllMocks();
    expect(work.pipelines).toEqual(await pipelinesOf(heuristics.values()));
    first.dispose();
    second.dispose();
  });
});

describe('a pipeline with a tuner', () => {
  it('runs what its caller has fixed, plans what it runs, and makes the same picture up to rounding', async () => {
    const store = new MemoryTuningStore();
    const plain = await open({ tuner: new Tuner(device, { store, mode: 'off' }) });
    const tuned = await open({ tuner: new Tuner(device, { store, mode: 'known' }), plan: { pick: unusual } });
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
