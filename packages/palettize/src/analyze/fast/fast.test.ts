import type { Component } from '@pleinair/weights';
import { beforeAll, describe, expect, it } from 'vitest';
import { ResidualNetwork, residualPart, type PromptKind } from '../../../test/residual-network.js';
import type { Progress } from '../../progress.js';
import { averageBits } from '../../recipe/average-bits.js';
import { candidatesOf, type Candidate } from '../../recipe/candidates.js';
import { parseRecipeFile, type Recipe } from '../../recipe/recipe-file.js';
import { directSolver } from '../../workers/solver.js';
import { LayerStates } from '../engine.js';
import { mapLog, type EvaluationLog } from '../evaluation-log.js';
import { LayerWeights } from '../layer-weights.js';
import { mean } from '../mean.js';
import { analyzePublished } from '../published.js';
import { analyzeFast, fastSettings, fastWidths, type FastOptions } from './fast.js';

const prompts = 8;

let component: Component;
let weights: LayerWeights;
let candidates: Candidate[];
beforeAll(async () => {
  component = await residualPart();
  weights = new LayerWeights(component, { widths: fastWidths, solver: directSolver() });
  candidates = candidatesOf(component.entries.values(), { minWeights: 0 });
});

async function options(change: Partial<FastOptions> = {}): Promise<FastOptions & { engine: ResidualNetwork }> {
  const engine = await ResidualNetwork.of(weights, prompts, 1);
  return { modelVersion: 'residual', candidates, weights, engine, ...change } as FastOptions & {
    engine: ResidualNetwork;
  };
}

/** PSNR of a recipe on prompts that no analysis has run. */
async function unseen(recipe: Recipe): Promise<number> {
  const engine = await ResidualNetwork.of(weights, 16, 1000);
  await new LayerStates(engine).bring(new Map(Object.entries(recipe)));
  return mean(await engine.measure());
}

const sizeOf = (recipe: Recipe): number => averageBits(candidates, (layer) => recipe[layer]);

describe('analyzeFast', () => {
  it('gives better recipes of the same size than the published analysis, from a tenth of its runs', async () => {
    const sizes = [2.8, 3.4, 4.5, 6.5];
    const published = await analyzePublished({ ...(await options()), recipes: 0, targets: sizes });
    const theirs = Object.values(published.file.recipes);
    expect(theirs).toHaveLength(sizes.length);
    const run = await options({ targets: theirs.map(sizeOf), probePrompts: 1 });
    const { file, runs } = await analyzeFast(run);
    expect(runs).toBeLessThanOrEqual(published.runs / 10);
    // The engine counts what the analysis does; its original takes no run here.
    expect(run.engine.runs).toBe(runs - prompts);
    const ours = Object.values(file.recipes);
    const gains: number[] = [];
    for (const recipe of theirs) {
      const noLarger = ours.filter((one) => sizeOf(one) <= sizeOf(recipe));
      gains.push(Math.max(...(await Promise.all(noLarger.map(unseen)))) - (await unseen(recipe)));
    }
    expect(Math.min(...gains)).toBeGreaterThan(0);
    // Twelve layers leave little to choose; what is gained on a real model is in docs/palettize-fast.md.
    expect(mean(gains)).toBeGreaterThan(0.5);
  }, 120_000);

  it('writes a recipe file of the sizes asked for', async () => {
    const targets = [2.8, 3.4, 4.5];
    const { file, runs } = await analyzeFast(await options({ targets }));
    const sizes = Object.values(file.recipes).map(sizeOf);
    targets.forEach((target, i) => {
      expect(sizes[i]!).toBeLessThanOrEqual(target);
      // Two of the layers hold a sixth of all weights each; a step of one is of four bits at most.
      expect(sizes[i]!).toBeGreaterThan(target - 1);
    });
    const evaluations = candidates.length + 3 + targets.length;
    expect(file.analysis).toMatchObject({ method: 'fast', evaluations, runs, group: 0 });
    expect(runs).toBe(6 * candidates.length + prompts * (3 + targets.length));
    expect(Object.keys(file.baselines).slice(3)).toEqual(Object.keys(file.recipes));
    expect(parseRecipeFile('fast', JSON.parse(JSON.stringify(file)))).toEqual(file);
  });

  it('goes on after being ended anywhere, measuring nothing twice, to the same file', async () => {
    const targets = [2.8, 4.5];
    const { file, runs } = await analyzeFast(await options({ targets }));
    const kept = mapLog();
    for (const lasting of [1, 0, 9, 3]) {
      let left = lasting;
      const log: EvaluationLog = {
        get: (key) => kept.get(key),
        async record(key, result) {
          if (left-- === 0) throw new Error('killed');
          await kept.record(key, result);
        },
      };
      await expect(analyzeFast(await options({ targets, log }))).rejects.toThrow('killed');
    }
    const last = await options({ targets, log: kept });
    expect((await analyzeFast(last)).file).toEqual(file);
    // 13 evaluations were kept: every layer's and the original's. Left are two baselines and two recipes.
    expect(last.engine.runs).toBe(4 * prompts);
    await analyzeFast(last);
    expect(last.engine.runs).toBe(4 * prompts);
    expect(runs).toBe(6 * candidates.length + 5 * prompts);
  });

  it('leaves the model as it was, and tells how far it is', async () => {
    const told: Progress[] = [];
    const run = await options({ targets: [3, 4], onProgress: (progress) => told.push(progress) });
    await analyzeFast(run);
    expect(told.map(({ done }) => done)).toEqual(Array.from({ length: candidates.length + 5 }, (_, i) => i + 1));
    expect(told.at(-1)).toMatchObject({ done: told.length, total: told.length, secondsLeft: 0 });
    expect(mean(await run.engine.measure())).toBeGreaterThan(190);
  });

  it('keeps to the widths it is allowed', async () => {
    const { file } = await analyzeFast(await options({ widths: [2, 8], targets: [3.5] }));
    const [recipe] = Object.values(file.recipes);
    expect(Object.values(recipe!).every((bits) => [2, 8, 16].includes(bits))).toBe(true);
    expect(Object.keys(file.single_layer)).toEqual(['8']);
    expect(fastSettings({ modelVersion: '', candidates, widths: [2, 8] })).toMatchObject({ widths: [2, 8], probe: 8 });
  });

  it.each([
    [{ targets: [1] }, /targets of at least 1\.0\d average bits/],
    [{ probe: 4, widths: [2, 8] }, /a width to try among 2, 8, got 4/],
    [{ widths: [] }, /a width to try among some, got undefined/],
  ] satisfies [Partial<FastOptions>, RegExp][])('refuses %j', async (change, message) => {
    const run = options(change);
    await expect(analyzeFast(await run)).rejects.toThrow(message);
    await expect(analyzeFast(await run)).rejects.toMatchObject({ code: 'palettize/invalid-argument' });
    expect((await run).engine.runs).toBe(0);
  });
});

describe('palettes calibrated by the inputs of layers', () => {
  /** Gain in dB at one width throughout, on prompts that neither the weights nor the calibration has seen. */
  async function gain(inputs: PromptKind, bits: 3 | 4): Promise<number> {
    const moments = (await ResidualNetwork.of(weights, 1000, 5000, inputs)).inputMoments();
    const inputsOf = (tensor: string) => moments.get(tensor);
    const calibrated = new LayerWeights(component, { widths: fastWidths, solver: directSolver(), inputsOf });
    const psnrs: number[] = [];
    for (const given of [weights, calibrated]) {
      const engine = await ResidualNetwork.of(given, 64, 1000, inputs);
      await new LayerStates(engine).bring(new Map(candidates.map(({ layer }) => [layer, bits])));
      psnrs.push(mean(await engine.measure()));
    }
    return psnrs[1]! - psnrs[0]!;
  }

  it.each([3, 4] as const)('are better at %i bits where inputs lie mostly in few directions', async (bits) => {
    expect(await gain('mostly in four', bits)).toBeGreaterThan(3);
  });

  it.each([3, 4] as const)('are no worse at %i bits where no direction is any other than the rest', async (bits) => {
    expect(await gain('alike in all directions', bits)).toBeGreaterThan(-0.1);
  });
});

describe('analyzeFast with a calibration', () => {
  const calibration = { file: 'recipe.calibration.safetensors', sha256: '0'.repeat(64), runs: 40 };

  it('names it, counts its runs, and tells its log from one without', async () => {
    const targets = [2.8];
    const plain = await analyzeFast(await options({ targets }));
    const { file, runs } = await analyzeFast(await options({ targets, calibration }));
    expect(file.calibration).toEqual({ file: calibration.file, sha256: calibration.sha256 });
    expect(runs).toBe(plain.runs + 40);
    expect(file.analysis?.runs).toBe(runs);
    expect(plain.file.calibration).toBeUndefined();
    expect(parseRecipeFile('fast', JSON.parse(JSON.stringify(file)))).toEqual(file);
    const settings = { modelVersion: '', candidates };
    expect(fastSettings({ ...settings, calibration })).not.toEqual(fastSettings(settings));
  });
});
