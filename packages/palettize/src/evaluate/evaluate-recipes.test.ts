import type { Component } from '@pleinair/weights';
import { beforeAll, describe, expect, it } from 'vitest';
import { singlePart } from '../../test/parts.js';
import { networkLayers, networkTensors, SmallNetwork } from '../../test/small-network.js';
import { mapLog } from '../analyze/evaluation-log.js';
import { LayerWeights } from '../analyze/layer-weights.js';
import { mean } from '../analyze/mean.js';
import { analyzePublished, publishedWidths } from '../analyze/published.js';
import type { Progress } from '../progress.js';
import { averageBits } from '../recipe/average-bits.js';
import { candidatesOf, type Candidate } from '../recipe/candidates.js';
import type { RecipeFile } from '../recipe/recipe-file.js';
import { directSolver } from '../workers/solver.js';
import { evaluateRecipes } from './evaluate-recipes.js';

let component: Component;
let weights: LayerWeights;
let grouped: LayerWeights;
let candidates: Candidate[];
let file: RecipeFile;
beforeAll(async () => {
  component = await singlePart(networkTensors());
  weights = new LayerWeights(component, { widths: publishedWidths, solver: directSolver() });
  grouped = new LayerWeights(component, { widths: publishedWidths, group: 4, solver: directSolver() });
  const found = candidatesOf(component.entries.values(), { minWeights: 0 });
  candidates = Object.keys(networkLayers).map((layer) => found.find((one) => one.layer === layer)!);
  ({ file } = await analyzePublished({ modelVersion: 'small', candidates, engine: await SmallNetwork.of(weights) }));
});

describe('evaluateRecipes', () => {
  it('finds on the prompts of the analysis what the analysis found', async () => {
    const engine = await SmallNetwork.of(weights);
    const found = await evaluateRecipes({
      engine,
      candidates,
      methods: { published: { file } },
      order: file,
      points: 1000,
    });
    expect(found.original).toBeGreaterThan(70);
    expect(found.linear8.published.psnr).toBeCloseTo(file.baselines['linear_8bit']!, 9);
    expect(found.linear8.perChannel.psnr).toBeCloseTo(file.baselines['linear_8bit_per_channel']!, 9);
    const { runs, points } = found.methods['published']!;
    expect(runs).toBe(file.analysis!.runs);
    for (const { recipe, bits, psnr } of points) {
      expect(psnr).toBeCloseTo(file.baselines[recipe]!, 9);
      expect(bits).toBeCloseTo(
        averageBits(candidates, (layer) => file.recipes[recipe]![layer]),
        9,
      );
      expect(recipe).toContain(bits.toFixed(2));
    }
    expect(points.map(({ bits }) => bits)).toEqual(points.map(({ bits }) => bits).sort((a, b) => a - b));
    expect(Object.keys(found.fixed)).toEqual(publishedWidths.map(String));
    for (const [bits, curve] of Object.entries(found.fixed)) {
      const { metadata: _, ...psnrs } = file.cumulative[bits]!;
      expect(curve).toHaveLength(candidates.length);
      // Whatever the order, the last has all layers; the one before, all but one.
      expect(curve[0]!.psnr).toBeCloseTo(mean(Object.values(psnrs).at(-1) as number[]), 9);
      const { metadata: __, ...alone } = file.single_layer[bits]!;
      const first = curve.at(-1)!;
      const single = candidates.find(({ layer }) => Math.abs(mean(alone[layer] as number[]) - first.psnr) < 1e-9);
      // It comes first that does the least for each bit it saves: for each weight, but for palettes.
      const harm = (one: Candidate): number => 10 ** (-mean(alone[one.layer] as number[]) / 10) / one.weights;
      expect(single?.layer).toBe(candidates.toSorted((a, b) => harm(a) - harm(b))[0]!.layer);
    }
    expect(found.fixedNearest).toBeUndefined();
    // The published curves are those of the analysis, point for point.
    expect(Object.keys(found.fixedPublished!)).toEqual(publishedWidths.map(String));
    for (const [bits, curve] of Object.entries(found.fixedPublished!)) {
      const { metadata: _, ...psnrs } = file.cumulative[bits]!;
      const expected = Object.values(psnrs).map((each) => mean(each as number[]));
      expect(curve.map(({ psnr }) => psnr)).toEqual(
        expected.reverse().map((each) => expect.closeTo(each, 9) as number),
      );
    }
    const last = new Map(engine.swaps);
    expect([...last.values()].every((form) => form === 16)).toBe(true);
  });

  it('counts scales and zero points as bits of linear int8', async () => {
    const { linear8 } = await evaluateRecipes({
      engine: await SmallNetwork.of(weights),
      candidates,
      methods: {},
      order: file,
    });
    const total = 96 * 48 + 96 * 96 + 96 * 96 + 32 * 96;
    expect(linear8.published.bits).toBeCloseTo(8 + (40 * (48 + 4 + 96 + 96)) / total, 9);
    expect(linear8.perChannel.bits).toBeCloseTo(8 + (40 * (96 + 96 + 96 + 32)) / total, 9);
  });

  it('takes points of the fixed curves at even steps, the smallest with every layer', async () => {
    const engine = await SmallNetwork.of(weights);
    const options = { engine, candidates, methods: {}, order: file, points: 2 };
    const { fixed } = await evaluateRecipes(options);
    const four = fixed['4']!;
    expect(four[0]!.bits).toBeCloseTo(
      averageBits(candidates, () => 4),
      9,
    );
    expect(four.length).toBeLessThanOrEqual(3);
    expect(four.map(({ bits }) => bits)).toEqual(four.map(({ bits }) => bits).sort((a, b) => a - b));
  });

  it('measures curves of one width on an engine of their own, and those of nearest entries beside them', async () => {
    const engine = await SmallNetwork.of(weights);
    const fixed = { engine: await SmallNetwork.of(grouped), order: file };
    const options = { candidates, methods: {}, order: file, points: 2 };
    const both = await evaluateRecipes({ ...options, engine, fixed });
    const plain = await evaluateRecipes({ ...options, engine: await SmallNetwork.of(weights) });
    expect(both.fixedNearest).toEqual(plain.fixed);
    const other = await evaluateRecipes({ ...options, engine: await SmallNetwork.of(grouped) });
    expect(both.fixed).toEqual(other.fixed);
    expect(both.runs).toBeGreaterThan(plain.runs);

    // An order measured at one width serves for all.
    const order = { ...file, single_layer: { 4: file.single_layer['4']! } };
    const engines = {
      engine: await SmallNetwork.of(weights),
      fixed: { engine: await SmallNetwork.of(grouped), order },
    };
    const byFour = await evaluateRecipes({ ...options, ...engines });
    expect(Object.keys(byFour.fixed)).toEqual(Object.keys(both.fixed));
    expect(byFour.fixed['4']).toEqual(both.fixed['4']);
    // Without measurements one after another there are no published curves.
    const { fixedPublished } = await evaluateRecipes({ ...options, engine, order: { ...file, cumulative: {} } });
    expect(fixedPublished).toBeUndefined();
  });

  it('measures a method on its own engine', async () => {
    const engine = await SmallNetwork.of(weights);
    const own = await SmallNetwork.of(grouped);
    const ofGroups = { ...file, analysis: { ...file.analysis!, method: 'grouped', runs: 12, group: 4 } };
    const { methods } = await evaluateRecipes({
      engine,
      candidates,
      methods: { published: { file }, grouped: { file: ofGroups, engine: own } },
      order: file,
    });
    expect(methods['grouped']!.runs).toBe(12);
    expect(own.measurements).toBe(methods['grouped']!.points.length);
    methods['grouped']!.points.forEach(({ bits, psnr }, i) => {
      expect(bits).toBeGreaterThan(methods['published']!.points[i]!.bits);
      expect(psnr).toBeGreaterThan(methods['published']!.points[i]!.psnr);
    });
  });

  it('measures nothing twice, and tells how far it is', async () => {
    const log = mapLog();
    const told: Progress[] = [];
    const options = { candidates, methods: { published: { file } }, order: file, points: 3, log };
    const first = await SmallNetwork.of(weights);
    const whole = await evaluateRecipes({ ...options, engine: first, onProgress: (progress) => told.push(progress) });
    expect(told.at(-1)!.done).toBe(told.at(-1)!.total);
    const again = await SmallNetwork.of(weights);
    expect(await evaluateRecipes({ ...options, engine: again })).toEqual(whole);
    expect(again.measurements).toBe(0);
  });

  it('refuses analyses of other models', async () => {
    const engine = await SmallNetwork.of(weights);
    const other = { ...file, recipes: { one: { 'mid.conv2': 4 as const } } };
    const code = 'palettize/invalid-argument';
    const run = (given: object) => evaluateRecipes({ engine, candidates, methods: {}, order: file, ...given });
    await expect(run({ methods: { other: { file: other } } })).rejects.toMatchObject({ code });
    const order = { ...file, single_layer: { 4: { metadata: {}, 'mid.conv2': [1] } } };
    await expect(run({ order })).rejects.toMatchObject({
      code,
      message: expect.stringContaining('mid.conv2') as string,
    });
    expect(engine.measurements).toBe(0);
  });
});
