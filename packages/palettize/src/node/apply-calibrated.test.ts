import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromHalfArray } from '@pleinair/tensor';
import { randomArray } from '@pleinair/testing';
import { columnsOf, openComponent, palettizedEntries, readPalettized, type Component } from '@pleinair/weights';
import { folderSource, writeSafetensors } from '@pleinair/weights/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { halves } from '../../test/parts.js';
import { LayerWeights, type LayerWeightsOptions } from '../analyze/layer-weights.js';
import type { InputMoments } from '../apply/error-feedback.js';
import type { Calibration, CalibrationReference } from '../calibrate/calibration.js';
import { InputStatistics } from '../calibrate/input-statistics.js';
import type { Recipe, RecipeFile } from '../recipe/recipe-file.js';
import { directSolver } from '../workers/solver.js';
import { applyRecipe } from './apply-recipe.js';
import { calibrationPath, findCalibration, readCalibration, writeCalibration } from './calibration-io.js';
import { calibrationOf, readRecipe, readRecipeFile, writeRecipeFile } from './recipe-io.js';

const tensors = [
  halves('conv.weight', [37, 5, 3, 3], 1),
  halves('to_q.weight', [70, 60], 2),
  halves('to_k.weight', [40, 60], 3),
  halves('norm.weight', [60], 4),
];
const recipe: Recipe = { conv: 2, to_q: 3, to_k: 16 };

/** Inputs that lie in few directions, as those of real layers do. */
function momentsOf(columns: number, seed: number): InputMoments {
  const statistics = new InputStatistics('layer', columns);
  const mean = randomArray(columns, seed, 2);
  const along = randomArray(columns, seed + 1, 1);
  for (let row = 0; row < 100; row++) {
    const [part] = randomArray(1, seed + 10 + row, 1);
    const rest = randomArray(columns, seed + 1000 + row, 0.2);
    statistics.add(mean.map((value, k) => value + part! * along[k]! + rest[k]!));
  }
  return statistics.moments();
}

const calibration: Calibration = new Map(
  tensors.slice(0, 3).map(({ name, shape }, i) => [name, momentsOf(columnsOf(shape), 10_000 * (i + 1))]),
);

let folder = '';
let model = '';
let component: Component;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'calibrated-'));
  model = join(folder, 'model');
  await mkdir(model);
  await writeSafetensors(join(model, 'model.safetensors'), tensors);
  component = await openComponent(folderSource(model), '');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function weightsOf(options: Partial<LayerWeightsOptions> = {}): LayerWeights {
  return new LayerWeights(component, { widths: [2, 3, 4], solver: directSolver(), ...options });
}

/** `Σ δᵀ E[x xᵀ] δ` of half bits given in place of a tensor. */
function disturbance(tensor: string, given: Uint16Array): number {
  const { data } = tensors.find(({ name }) => name === tensor)!;
  const { rest, directions } = calibration.get(tensor)!;
  const original = fromHalfArray(data);
  const errors = Float64Array.from(fromHalfArray(given), (value, i) => value - original[i]!);
  let total = 0;
  for (let row = 0; row < errors.length; row += rest.length) {
    const error = errors.subarray(row, row + rest.length);
    error.forEach((each, k) => (total += rest[k]! * each ** 2));
    for (const along of directions) total += error.reduce((sum, each, k) => sum + along[k]! * each, 0) ** 2;
  }
  return total;
}

const origin = { settings: 'these', runs: 24 };

function write(path: string, given: Calibration): Promise<CalibrationReference> {
  return writeCalibration(path, given, origin);
}

async function writeRecipe(path: string, file: Partial<RecipeFile> = {}): Promise<void> {
  const empty = { model_version: 'test', baselines: {}, single_layer: {}, cumulative: {} };
  await writeRecipeFile(path, { ...empty, recipes: { small: recipe }, ...file });
}

async function apply(address: string, out: string) {
  const parts = { '': await readRecipe(address) };
  return applyRecipe({ model, out: join(folder, out), parts, minWeights: 0, solver: directSolver() });
}

async function applied(out: string, tensor: string): Promise<Uint16Array> {
  const entries = palettizedEntries(await openComponent(folderSource(join(folder, out)), ''));
  return readPalettized(entries.get(tensor)!);
}

describe('a recipe with a calibration', () => {
  it.each([0, 4, 12])('is applied with the weights that were measured, to the bit (groups of %i)', async (group) => {
    const weights = weightsOf({ inputsOf: (tensor) => calibration.get(tensor), group });
    const path = join(folder, 'recipe.json');
    await writeRecipe(path, { calibration: await write(path, calibration) });
    const parts = { '': { ...(await readRecipe(path)), group } };
    const out = join(folder, 'out');
    const report = await applyRecipe({ model, out, parts, minWeights: 0, solver: directSolver() });
    for (const [tensor, bits] of [
      ['conv.weight', 2],
      ['to_q.weight', 3],
    ] as const) {
      const measured = await weights.get(tensor, bits);
      expect(await applied('out', tensor)).toEqual(measured);
      const error = disturbance(tensor, measured);
      expect((await weights.errorOf(tensor, bits)) / error).toBeCloseTo(1, 5);
      expect(report['']!.errors[tensor.replace('.weight', '')]! / error).toBeCloseTo(1, 5);
    }
  });

  it('disturbs outputs less than nearest entries do', async () => {
    const plain = weightsOf();
    const calibrated = weightsOf({ inputsOf: (tensor) => calibration.get(tensor) });
    for (const tensor of ['conv.weight', 'to_q.weight']) {
      for (const bits of [2, 3, 4] as const) {
        const before = disturbance(tensor, await plain.get(tensor, bits));
        expect(disturbance(tensor, await calibrated.get(tensor, bits))).toBeLessThan(0.5 * before);
      }
    }
  });

  it('leaves layers that it does not know as they are without one', async () => {
    const some = weightsOf({ inputsOf: (tensor) => (tensor === 'conv.weight' ? calibration.get(tensor) : undefined) });
    const plain = weightsOf();
    expect(await some.get('to_q.weight', 3)).toEqual(await plain.get('to_q.weight', 3));
    expect(await some.errorOf('to_q.weight', 3)).toBe(await plain.errorOf('to_q.weight', 3));
    expect(await some.get('conv.weight', 3)).not.toEqual(await plain.get('conv.weight', 3));
    expect(await some.get('conv.weight', 16)).toEqual(await plain.get('conv.weight', 16));
  });

  it('is another than the same recipe without, which is applied as before', async () => {
    const path = join(folder, 'plain.json');
    await writeRecipe(path);
    expect(await readRecipe(path)).toEqual({ name: 'small', recipe });
    const report = await apply(path, 'plain');
    const plain = weightsOf();
    expect(await applied('plain', 'to_q.weight')).toEqual(await plain.get('to_q.weight', 3));
    expect(report['']!.errors['to_q']).toBe(await plain.errorOf('to_q.weight', 3));
  });
});

describe('the file of a calibration', () => {
  const path = (): string => join(folder, 'recipe.json');

  it('gives back what was written, and is named in the recipe file', async () => {
    const reference = await write(path(), calibration);
    expect(reference).toEqual({
      file: 'recipe.calibration.safetensors',
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
    expect(calibrationPath(path())).toBe(join(folder, reference.file));
    expect(await readCalibration(path(), reference)).toEqual(calibration);
    expect(await write(path(), calibration)).toEqual(reference);
    await writeRecipe(path(), { calibration: reference });
    const file = await readRecipeFile(path());
    expect(file.calibration).toEqual(reference);
    expect(await calibrationOf(path(), file).calibration?.()).toEqual(calibration);
  });

  it('is found again by what it was made with', async () => {
    expect(await findCalibration(path(), 'these')).toBeUndefined();
    const reference = await write(path(), calibration);
    expect(await findCalibration(path(), 'these')).toEqual({ calibration, reference, runs: 24 });
    expect(await findCalibration(path(), 'others')).toBeUndefined();
  });

  it('keeps layers whose inputs were zero throughout', async () => {
    const silent: Calibration = new Map([['a.weight', new InputStatistics('a', 5).moments()]]);
    expect(await readCalibration(path(), await write(path(), silent))).toEqual(silent);
  });

  it('is needed when recipes are applied, not when their bits are read', async () => {
    const reference = await write(path(), calibration);
    await writeRecipe(path(), { calibration: reference });
    await rm(calibrationPath(path()));
    expect((await readRecipe(path())).recipe).toEqual(recipe);
    await expect(apply(path(), 'out')).rejects.toMatchObject({ code: 'recipe/missing-calibration' });
    expect((await readdir(folder)).sort()).toEqual(['model', 'recipe.json']);
  });

  it('is refused where it is not the one that was written with the recipe', async () => {
    await writeRecipe(path(), { calibration: await write(path(), calibration) });
    await write(join(folder, 'other.json'), new Map([...calibration].slice(1)));
    await copyFile(calibrationPath(join(folder, 'other.json')), calibrationPath(path()));
    await expect(apply(path(), 'out')).rejects.toMatchObject({ code: 'recipe/other-calibration' });
    expect(await readdir(folder)).not.toContain('out');
  });

  it('is refused where it lacks a layer, or has one of another size', async () => {
    for (const other of [
      new Map([...calibration].slice(1)),
      new Map([...calibration, ['to_q.weight', momentsOf(61, 5)] as const]),
    ]) {
      await writeRecipe(path(), { calibration: await write(path(), other) });
      await expect(apply(path(), 'out')).rejects.toMatchObject({ code: 'recipe/other-calibration' });
    }
  });

  it('is refused where it is no calibration', async () => {
    const tensor = { name: 'a.rest', dtype: 'F32', shape: [1], data: Float32Array.of(1) } as const;
    await writeSafetensors(calibrationPath(path()), [tensor]);
    const sha256 = createHash('sha256')
      .update(await readFile(calibrationPath(path())))
      .digest('hex');
    const reference = { file: 'recipe.calibration.safetensors', sha256 };
    await expect(readCalibration(path(), reference)).rejects.toMatchObject({ code: 'recipe/other-calibration' });
  });

  it.each([
    { file: '../recipe.calibration.safetensors', sha256: '0'.repeat(64) },
    { file: 'recipe.calibration.safetensors' },
    { file: 'recipe.calibration.safetensors', sha256: 'no' },
    'recipe.calibration.safetensors',
  ])('cannot be named as %j', async (named) => {
    await writeFile(path(), JSON.stringify({ recipes: { small: recipe }, calibration: named }));
    await expect(readRecipeFile(path())).rejects.toMatchObject({ code: 'recipe/invalid' });
  });
});
