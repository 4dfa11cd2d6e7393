import { fileURLToPath } from 'node:url';
import { vaeFactor, type Conditioning, type LayerInputOptions, type PipelineShape } from '@pleinair/diffusion';
import { modelUrl } from '@pleinair/demo-model';
import {
  candidatesOf,
  directSolver,
  InputStatistics,
  LayerWeights,
  type CalibrationSaves,
  type Candidate,
  type InputMoments,
  type SavedCalibration,
} from '@pleinair/palettize';
import { createNoiseSource, schedulerFromConfig, type SamplingPlan } from '@pleinair/schedulers';
import type { Device } from '@pleinair/tensor';
import { randomArray, testDevice } from '@pleinair/testing';
import { openComponent, type Component } from '@pleinair/weights';
import { folderSource } from '@pleinair/weights/node';
import { beforeAll, describe, expect, it } from 'vitest';
import { calibrationRuns, inputMomentsOf } from '../src/analyze/calibrate.js';
import { SdxlAnalysis } from '../src/analyze/sdxl-analysis.js';
import { readSdxlFiles } from '../src/files.js';
import { visibleUnetGraph } from '../src/graphs.js';
import { readSdxlConfig, type SdxlConfig } from '../src/model-config.js';
import { timeIds } from '../src/time-ids.js';
import { tinySource } from './tiny-model.js';

const seed = 11;
const size = 9; // of latents: a picture of odd size
const pictures = 2;
const channels = 4;
const [tokens, textWidth, pooledWidth] = [77, 32, 14];

let device: Device;
let config: SdxlConfig;
let unet: Component;
let candidates: Candidate[];
beforeAll(async () => {
  device = await testDevice();
  config = readSdxlConfig(await readSdxlFiles(tinySource(), {}));
  unet = await openComponent(tinySource(), 'unet', { prefer: 'full' });
  candidates = candidatesOf(unet.entries.values(), { minWeights: 0 });
});

function textOf(at: number): Conditioning['conditional'] {
  return { states: randomArray(tokens * textWidth, at, 1), pooled: randomArray(pooledWidth, 50 + at, 1) };
}

const texts = Array.from({ length: pictures }, (_, i): Conditioning => {
  return { unconditional: textOf(2 * i + 1), conditional: textOf(2 * i + 2) };
});

function schedule(steps: number): SamplingPlan {
  return schedulerFromConfig(config.scheduler).plan(steps);
}

function options(tensors: readonly string[], schedules: readonly SamplingPlan[]): Omit<LayerInputOptions, 'take'> {
  const pixels = size * vaeFactor(config.vae);
  const evaluations = Math.max(...schedules.map((each) => each.evaluations.length));
  const shape: PipelineShape = {
    width: pixels,
    height: pixels,
    pictures,
    guided: true,
    halves: 'together',
    chunks: 1,
    precision: 'f32',
    solver: { slots: schedules[0]!.slots, drawsNoise: false, evaluations },
  };
  return {
    record: () => visibleUnetGraph(config, shape),
    component: unet,
    tensors,
    run: { shape, guidance: 3, latent: { width: size, height: size, channels }, timeIds: timeIds(pixels, pixels) },
    runs: calibrationRuns({ texts, schedules, together: pictures, seed }),
  };
}

/** Mean squares of the columns, damping included. */
function powers({ rest, directions }: InputMoments): number[] {
  return Array.from(rest, (each, k) => directions.reduce((sum, along) => sum + along[k]! ** 2, each));
}

/**
 * Holds moments against those of rows: columns' mean squares, and what the directions hold of `E[x xᵀ]`. Each value read
 * back is an f32, so a square is off by two roundings of its size.
 */
function expectMoments(moments: InputMoments, rows: readonly Float64Array[]): void {
  const { rest, directions } = moments;
  const found = powers(moments);
  const diagonal = Array.from(rows[0]!, (_, k) => rows.reduce((sum, x) => sum + x[k]! ** 2, 0) / rows.length);
  const meanSquare = diagonal.reduce((sum, each) => sum + each, 0) / diagonal.length;
  expect(rest).toHaveLength(diagonal.length);
  diagonal.forEach((each, k) => {
    expect(Math.abs(found[k]! - each - 0.1 * meanSquare)).toBeLessThan(2 ** -20 * (each + meanSquare));
  });
  const statistics = new InputStatistics('reference', diagonal.length);
  for (const row of rows) statistics.add(row);
  const expected = statistics.moments().directions;
  expect(directions).toHaveLength(expected.length);
  for (let i = 0; i < diagonal.length; i++) {
    for (let j = 0; j < diagonal.length; j++) {
      const product = (all: readonly Float64Array[]) => all.reduce((sum, along) => sum + along[i]! * along[j]!, 0);
      expect(Math.abs(product(directions) - product(expected))).toBeLessThan(1e-4 * meanSquare);
    }
  }
}

/** It keeps no compiled kernels: each device would make them all anew. What is read back is held there by the first tests below. */
const slow = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';

/** Saves in memory; `lost` decides whether the process ends before a save, as a kill would. */
function savesUntil(lost: () => boolean, kept = new Map<number, SavedCalibration>()): CalibrationSaves {
  return {
    load: (set) => Promise.resolve(structuredClone(kept.get(set))),
    save(set, state) {
      if (lost()) return Promise.reject(new Error('killed'));
      kept.set(set, structuredClone(state));
      return Promise.resolve();
    },
  };
}

describe('what the inputs of layers are like', () => {
  it('is read back as it is of a linear layer and a convolution, known in float64', async () => {
    const linear = candidates.find(({ layer }) => layer.endsWith('attn2.to_k'))!.tensor;
    const plan = schedule(1);
    const moments = await inputMomentsOf(device, options([linear, 'conv_in.weight'], [plan]));
    expect([...moments.keys()].sort()).toEqual([linear, 'conv_in.weight'].sort());

    const states = texts.flatMap(({ unconditional, conditional }) => [unconditional!.states, conditional.states]);
    const tokenRows = states.flatMap((each) =>
      Array.from({ length: tokens }, (_, t) => Float64Array.from(each.subarray(t * textWidth, (t + 1) * textWidth))),
    );
    expectMoments(moments.get(linear)!, tokenRows);

    const scale = plan.initNoiseSigma * plan.evaluations[0]!.inputScale;
    const windows = texts.flatMap((_, i) => {
      const noise = createNoiseSource('torch', seed + i).normal(channels * size * size);
      return Array.from({ length: size * size }, (__, pixel) =>
        Float64Array.from({ length: channels * 9 }, (___, k) => {
          const x = (pixel % size) + (k % 3) - 1;
          const y = Math.floor(pixel / size) + (Math.floor(k / 3) % 3) - 1;
          if (x < 0 || y < 0 || x >= size || y >= size) return 0;
          return scale * noise[(Math.floor(k / 9) * size + y) * size + x]!;
        }),
      );
    });
    // Both halves of a guided pair are given the same latents: 324 rows, fewer than are looked at.
    expectMoments(moments.get('conv_in.weight')!, windows);
  });

  it('is the same however few layers are looked at together, and known of every kind of layer', async () => {
    const known = candidates.filter((_, i) => i % 8 === 0);
    const tensors = known.map(({ tensor }) => tensor);
    const schedules = [schedule(1), schedule(3)];
    const held = { ...device.memory.current };
    const told: number[] = [];
    const all = await inputMomentsOf(device, {
      ...options(tensors, schedules),
      onLayers: (done) => told.push(done),
    });
    expect(told).toEqual([tensors.length]);
    for (const { tensor, shape, weights } of known) {
      const { rest } = all.get(tensor)!;
      expect(rest).toHaveLength(weights / shape[0]!);
      expect(rest.every((each) => each > 0 && each < Infinity)).toBe(true);
    }
    // One layer at a time.
    const some = tensors.filter((_, i) => i % 6 === 0);
    const few = await inputMomentsOf(device, {
      ...options(some, schedules),
      keptBytes: 1,
      onLayers: (done) => told.push(done),
    });
    expect(told.slice(1)).toEqual(some.map((_, i) => i + 1));
    for (const tensor of some) {
      // Kernels may be others where more is kept, and sums then in another order.
      const [one, other] = [few.get(tensor)!, all.get(tensor)!].map(powers);
      one!.forEach((each, k) => expect(each / other![k]!).toBeCloseTo(1, 3));
    }
    expect(device.memory.current).toEqual(held);
  });

  it.skipIf(slow)(
    'is the same to the bit when killed in every evaluation (asked of one adapter, not SwiftShader)',
    async () => {
      // One in the loop, one computed before it; each looked at by itself.
      const tensors = ['conv_in.weight', 'time_embedding.linear_1.weight'];
      const given = { ...options(tensors, [schedule(1), schedule(3)]), keptBytes: 1 };
      const told: number[] = [];
      const whole = await inputMomentsOf(device, { ...given, onRuns: ({ done }) => told.push(done) });
      const evaluations = tensors.length * (1 + 3);
      expect(told).toEqual(Array.from({ length: evaluations }, (_, i) => pictures * (i + 1)));

      const kept = new Map<number, SavedCalibration>();
      let found: ReadonlyMap<string, InputMoments> | undefined;
      for (let sessions = 1; !found; sessions++) {
        let saved = 0;
        const progress: { done: number; total: number; secondsLeft?: number }[] = [];
        // Each gets one evaluation further, and is killed when the next one is made but not yet saved.
        const saves = savesUntil(() => saved++ === 1, kept);
        const session = inputMomentsOf(device, { ...given, saves, onRuns: (each) => progress.push(each) });
        if (sessions < evaluations) await expect(session).rejects.toThrow('killed');
        else found = await session;
        expect(progress.at(-1)).toMatchObject({ done: pictures * sessions, total: pictures * evaluations });
        expect(progress.at(-1)!.secondsLeft).toBeGreaterThanOrEqual(0);
      }
      expect(found).toEqual(whole);
    },
  );

  it('is there to be read of every layer', () => {
    const { record } = options([], [schedule(1)]);
    const shown = record().segments.flatMap(({ nodes }) => nodes.flatMap(({ layerInputs = [] }) => layerInputs));
    const names = new Set(shown.map(({ weight }) => weight.source.name));
    expect(candidates.map(({ tensor }) => tensor).filter((tensor) => !names.has(tensor))).toEqual([]);
  });

  it('refuses weights that the UNet does not multiply', async () => {
    const wrong = inputMomentsOf(device, options(['norm.weight'], [schedule(1)]));
    await expect(wrong).rejects.toMatchObject({ code: 'graph/unknown-name' });
  });
});

describe('calibrating the demo model', () => {
  it.skipIf(slow)(
    'makes palettes of the same widths better on prompts and noise it has not seen (asked of one adapter, not SwiftShader)',
    async () => {
      const source = folderSource(fileURLToPath(modelUrl));
      const picture = { width: 64, height: 64 };
      const seen = ['a sailboat at sunset', 'a cabin in a forest', 'a river between rocks', 'a field of tulips'];
      const opened = await SdxlAnalysis.open(source, { prompts: seen, seed: 5, ...picture, together: 2 });
      const layers = candidatesOf(opened.unet.entries.values(), { minWeights: 1000 }).filter((_, i) => i % 8 === 0);
      const { calibration, runs } = await opened.calibrate(device, { tensors: layers.map(({ tensor }) => tensor) });
      // Each prompt's own step, and three of the schedule.
      expect(runs).toBe(4 * (1 + 3));
      const unseen = await SdxlAnalysis.open(source, {
        prompts: ['snowy hills under the moon', 'a lighthouse in the fog'],
        seed: 900,
        ...picture,
        together: 2,
      });
      const psnrs: number[] = [];
      for (const inputsOf of [() => undefined, (tensor: string) => calibration.get(tensor)]) {
        const weights = new LayerWeights(opened.unet, { widths: [3], solver: directSolver(), inputsOf });
        const engine = await unseen.engine(device, { weights });
        for (const { layer } of layers) await engine.swap(layer, 3);
        const measured = await engine.measure();
        psnrs.push(measured.reduce((sum, each) => sum + each / measured.length, 0));
        engine.dispose();
      }
      expect(psnrs[1]! - psnrs[0]!).toBeGreaterThan(1);
    },
  );
});
