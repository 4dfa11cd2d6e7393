import { readFile } from 'node:fs/promises';
import { fromHalfBits } from '@pleinair/tensor';
import type { Component } from '@pleinair/weights';
import { beforeAll, describe, expect, it } from 'vitest';
import { singlePart } from '../../test/parts.js';
import { networkLayers, networkTensors, SmallNetwork } from '../../test/small-network.js';
import type { Progress } from '../progress.js';
import { averageBits } from '../recipe/average-bits.js';
import { candidatesOf } from '../recipe/candidates.js';
import { parseRecipeFile, type LayerResults, type Recipe } from '../recipe/recipe-file.js';
import { directSolver } from '../workers/solver.js';
import { LayerStates, type LayerForm } from './engine.js';
import { mapLog, type EvaluationLog } from './evaluation-log.js';
import { LayerWeights } from './layer-weights.js';
import { psnr } from './psnr.js';
import { analyzePublished, publishedWidths, type PublishedOptions } from './published.js';

interface Golden {
  readonly baselines: Record<string, number>;
  readonly recipes: Record<string, Record<string, number>>;
  readonly single_layer: Record<string, Record<string, number[]>>;
  readonly cumulative: Record<string, { metadata: { candidates: string[] } } & Record<string, unknown>>;
}

const golden = JSON.parse(
  await readFile(new URL('../../test/goldens/analysis.json', import.meta.url), 'utf8'),
) as Golden;
const layers = Object.keys(networkLayers);

let component: Component;
let weights: LayerWeights;
beforeAll(async () => {
  component = await singlePart(networkTensors());
  weights = new LayerWeights(component, { widths: publishedWidths, solver: directSolver() });
});

async function options(change: Partial<PublishedOptions> = {}): Promise<PublishedOptions & { engine: SmallNetwork }> {
  const engine = await SmallNetwork.of(weights);
  const found = candidatesOf(component.entries.values(), { minWeights: 0 });
  const candidates = layers.map((layer) => found.find((one) => one.layer === layer)!);
  return {
    modelVersion: 'small',
    candidates,
    engine,
    ...change,
    ...(change.engine ? {} : { engine }),
  } as PublishedOptions & {
    engine: SmallNetwork;
  };
}

/** Sums of some hundred terms in another order move a PSNR by less than this; a weight or a rounding that differs, by more. */
function expectPsnr(actual: unknown, expected: unknown): void {
  const [a, b] = [actual, expected] as [number[], number[]];
  expect(a).toHaveLength(b.length);
  a.forEach((value, i) => expect(Math.abs(value - b[i]!)).toBeLessThan(1e-6));
}

function layersOf(results: LayerResults): string[] {
  return Object.keys(results).filter((key) => key !== 'metadata');
}

describe('analyzePublished', () => {
  it('gives what the same algorithm in Python gives', async () => {
    const { file, runs } = await analyzePublished(await options());
    for (const bits of publishedWidths) {
      for (const layer of layers) {
        expectPsnr(file.single_layer[bits]![layer], golden.single_layer[bits]![layer]);
        expectPsnr(file.cumulative[bits]![layer], golden.cumulative[bits]![layer]);
      }
      expect(file.cumulative[bits]!['metadata']).toMatchObject({
        nbits: bits,
        cumulative: true,
        candidates: golden.cumulative[bits]!.metadata.candidates,
      });
      expect(layersOf(file.cumulative[bits]!)).toEqual(golden.cumulative[bits]!.metadata.candidates);
      expect(layersOf(file.single_layer[bits]!)).toEqual(layers);
    }
    expect(file.recipes).toEqual(golden.recipes);
    // Beside the published baselines stands linear int8 by output channel, which the golden has not.
    const { linear_8bit_per_channel: perChannel, ...published } = file.baselines;
    expect(Object.keys(published)).toEqual(Object.keys(golden.baselines));
    const other = await SmallNetwork.of(weights);
    for (const layer of layers) await other.swap(layer, 'linear8-per-channel');
    expect(perChannel).toBe((await other.measure()).reduce((a, b) => a + b) / 3);
    expect(perChannel).not.toBe(published['linear_8bit']);
    for (const [name, value] of Object.entries(golden.baselines)) expectPsnr([file.baselines[name]], [value]);
    const evaluations = 2 * 4 * 5 + 3 + Object.keys(golden.recipes).length;
    expect(file.analysis).toEqual({
      method: 'published',
      evaluations,
      runs: 3 * evaluations,
      layers: layers.map((layer) => ({ layer, shape: networkLayers[layer] })),
      group: 0,
    });
    expect(runs).toBe(3 * evaluations);
    expect(parseRecipeFile('golden', JSON.parse(JSON.stringify(file)))).toEqual(file);
  });

  it('goes on after being ended anywhere, measuring nothing twice, to the same file', async () => {
    const whole = await options();
    const { file } = await analyzePublished(whole);
    const results = new Map<string, readonly number[]>();
    const kept = mapLog(results);
    let ends = 0;
    for (const lasting of [1, 2, 13, 7, 20, 1000]) {
      let left = lasting;
      // Ends as a kill would: in the middle of a measurement, with nothing told to anybody.
      const log: EvaluationLog = {
        get: (key) => kept.get(key),
        async record(key, result) {
          if (left-- === 0) throw new Error('killed');
          await kept.record(key, result);
        },
      };
      const before = results.size;
      const part = await options({ log });
      const ended = await analyzePublished(part).then(
        (done) => done,
        (error: Error) => error,
      );
      if (ended instanceof Error) {
        expect(ended.message).toBe('killed');
        expect(results.size).toBe(before + lasting);
        expect(part.engine.measurements).toBe(lasting + 1);
        ends++;
      } else {
        expect(ended.file).toEqual(file);
        expect(part.engine.measurements).toBe(whole.engine.measurements - before);
      }
    }
    expect(ends).toBe(5);
  });

  it('makes the largest recipe of any threshold within a target, without measuring layers again', async () => {
    const log = mapLog();
    const { file: plain } = await analyzePublished(await options({ log }));
    const run = await options({ log, recipes: 1, targets: [2.5, 5, 16] });
    const { file } = await analyzePublished(run);
    const averageOf = (recipe: Recipe): number => averageBits(run.candidates, (layer) => recipe[layer]);
    const mean = (psnrs: unknown): number => (psnrs as number[]).reduce((a, b) => a + b, 0) / 3;
    // By the definition: each threshold that tells recipes apart, and what it gives.
    const measured = publishedWidths.flatMap((bits) => layers.map((layer) => mean(plain.cumulative[bits]![layer])));
    const all = [-Infinity, ...measured].map((threshold) =>
      Object.fromEntries(
        layers.map((layer) => [
          layer,
          publishedWidths.find((bits) => mean(plain.cumulative[bits]![layer]) > threshold) ?? 16,
        ]),
      ),
    ) as Recipe[];
    for (const target of [2.5, 5, 16]) {
      const within = all.filter((recipe) => averageOf(recipe) <= target);
      const largest = Math.max(...within.map(averageOf));
      expect(Object.values(file.recipes)).toContainEqual(within.find((recipe) => averageOf(recipe) === largest));
    }
    expect(run.engine.measurements).toBeLessThanOrEqual(3);
    await expect(analyzePublished(await options({ log, targets: [0.5] }))).rejects.toMatchObject({
      code: 'palettize/invalid-argument',
      message: expect.stringMatching(/at least \d+\.\d\d average bits/) as unknown,
    });
  });

  it('swaps a layer at a time and leaves the model as it was', async () => {
    const run = await options({ widths: [4], recipes: 1 });
    const { file } = await analyzePublished(run);
    const order = (file.cumulative[4]!['metadata'] as { candidates: string[] }).candidates;
    const alone = layers.flatMap((layer, i): [string, LayerForm][] => [
      ...(i > 0 ? [[layers[i - 1]!, 16] as [string, LayerForm]] : []),
      [layer, 4],
    ]);
    const last = layers.at(-1)!;
    const growing = order.map((layer): [string, LayerForm] => [layer, 4]);
    const before = order[0] === last ? [] : [[last, 16]];
    const expected = [...alone, ...before, ...(order[0] === last ? growing.slice(1) : growing)];
    expect(run.engine.swaps.slice(0, expected.length)).toEqual(expected);
    const state = new Map(run.engine.swaps);
    expect([...state.values()]).toEqual(layers.map(() => 16));
  });

  it('tells how far it is, and how much is left', async () => {
    const told: Progress[] = [];
    const log = mapLog();
    await analyzePublished(
      await options({ widths: [4], recipes: 3, log, onProgress: (progress) => told.push(progress) }),
    );
    const total = 2 * 4 + 3 + 3;
    expect(told.map(({ done }) => done)).toEqual(Array.from({ length: total }, (_, i) => i + 1));
    expect(told.at(-1)).toMatchObject({ done: total, total, secondsLeft: 0 });
    expect(told[0]!.secondsLeft).toBeGreaterThan(0);
    const again: Progress[] = [];
    const resumed = await options({ widths: [4], recipes: 3, log, onProgress: (progress) => again.push(progress) });
    await analyzePublished(resumed);
    expect(resumed.engine.measurements).toBe(0);
    expect(again.every(({ secondsLeft }) => secondsLeft === undefined)).toBe(true);
  });

  it('stops on a signal, keeping what was measured', async () => {
    const control = new AbortController();
    const results = new Map<string, readonly number[]>();
    const run = await options({
      log: mapLog(results),
      signal: control.signal,
      onProgress: ({ done }) => done === 9 && control.abort(),
    });
    await expect(analyzePublished(run)).rejects.toMatchObject({ code: 'cancelled' });
    expect(results.size).toBe(9);
  });

  it.each([[[]], [[80, NaN]], [[Infinity]]])('refuses a measurement of %j', async (result) => {
    const run = await options();
    run.engine.measure = () => Promise.resolve(result);
    await expect(analyzePublished(run)).rejects.toMatchObject({ code: 'palettize/not-finite' });
  });

  it('names two recipes of one average apart', async () => {
    const run = await options({ widths: [8], recipes: 5 });
    const forms = new Map<string, LayerForm>();
    run.engine.swap = (layer, form) => Promise.resolve(void forms.set(layer, form));
    run.engine.measure = () => Promise.resolve([70 - 5 * [...forms.values()].filter((form) => form !== 16).length]);
    run.engine.measureOriginal = () => Promise.resolve([200]);
    // The first layer is so small that it hardly counts. Thresholds: 81, 74.5, 68, 61.5, 55; PSNR: 65, 60, 55, 50.
    const candidates = run.candidates.map(({ layer, tensor }, i) => {
      const shape = i === 0 ? [32, 4] : [8192, 1024];
      return { layer, tensor, shape, weights: shape[0]! * shape[1]! };
    });
    const { file } = await analyzePublished({ ...run, candidates });
    expect(file.baselines).toEqual({
      original: 82,
      linear_8bit: 50,
      linear_8bit_per_channel: 50,
      'recipe_16.00_bit_mixedpalette': 70,
      'recipe_16.00_bit_mixedpalette_2': 65,
      'recipe_13.33_bit_mixedpalette': 60,
    });
    expect(file.recipes['recipe_16.00_bit_mixedpalette_2']).toEqual({
      stem: 8,
      'mid.conv': 16,
      'mid.linear': 16,
      out: 16,
    });
  });
});

describe('LayerStates', () => {
  it('swaps only what differs', async () => {
    const swaps: string[] = [];
    const states = new LayerStates({
      swap(layer, form) {
        swaps.push(`${layer}=${form}`);
        return Promise.resolve();
      },
    });
    await states.bring(
      new Map<string, LayerForm>([
        ['a', 4],
        ['b', 16],
      ]),
    );
    await states.bring(
      new Map<string, LayerForm>([
        ['a', 4],
        ['c', 'linear8'],
      ]),
    );
    await states.bring(new Map<string, LayerForm>([['a', 2]]));
    await states.bring(new Map());
    expect(swaps).toEqual(['a=4', 'c=linear8', 'c=16', 'a=2', 'a=16']);
  });
});

describe('LayerWeights', () => {
  it('gives per-layer errors that are those of the weights it gives', async () => {
    for (const bits of publishedWidths) {
      const original = await weights.get('out.weight', 16);
      const decoded = await weights.get('out.weight', bits);
      expect(new Set(decoded).size).toBeLessThanOrEqual(2 ** bits);
      const error = original.reduce((sum, half, i) => sum + (fromHalfBits(half) - fromHalfBits(decoded[i]!)) ** 2, 0);
      expect((await weights.errorOf('out.weight', bits)) / error).toBeCloseTo(1, 9);
    }
  });

  it('uses a palette for each group', async () => {
    const grouped = new LayerWeights(component, { widths: [2], group: 8, solver: directSolver() });
    const decoded = await grouped.get('out.weight', 2);
    const values = (from: number) => new Set(decoded.subarray(from * 96, (from + 8) * 96));
    expect(values(0).size).toBeLessThanOrEqual(4);
    expect(values(8)).not.toEqual(values(0));
    expect(await grouped.errorOf('out.weight', 2)).toBeLessThan(await weights.errorOf('out.weight', 2));
  });

  it('refuses tensors and widths it does not know', async () => {
    await expect(weights.get('none.weight', 4)).rejects.toMatchObject({ code: 'palettize/invalid-argument' });
    await expect(weights.get('out.weight', 3)).rejects.toMatchObject({ code: 'palettize/invalid-argument' });
  });
});

describe('psnr', () => {
  it('is the published formula', () => {
    expect(psnr([1, 2], [1, 2])).toBeCloseTo(20 * Math.log10((2 + 1e-5) / 1e-10), 9);
    expect(psnr([0, 0, 0, 0], [3, -4, 0, 0])).toBeCloseTo(20 * Math.log10(4.00001 / 2.5), 9);
  });

  it('ranks broken outputs lowest', () => {
    expect(psnr([1, 2], [NaN, 2])).toBe(0);
    expect(psnr([1, 2], [Infinity, 2])).toBe(0);
    expect(() => psnr([1], [])).toThrow(/expected 1 outputs/);
  });
});
