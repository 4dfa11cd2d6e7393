import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomArray } from '@pleinair/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputStatistics } from '../calibrate/input-statistics.js';
import { openCalibrationSaves } from './calibration-saves-folder.js';

let folder: string;
let recipe: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pleinair-saves-'));
  recipe = join(folder, 'recipe.json');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const settings = '{"prompts":["a"]}';

/** Rows of inputs of few columns, and of more than there are random directions. */
const columnsOf: Readonly<Record<string, number>> = { 'few.weight': 5, 'many.weight': 150 };
const rowsOf = (name: string, from: number, to: number): Float32Array[] =>
  Array.from({ length: to - from }, (_, i) => randomArray(columnsOf[name]!, 10 * (from + i), 1));

function addRows(all: ReadonlyMap<string, InputStatistics>, from: number, to: number): void {
  for (const [name, statistics] of all) {
    rowsOf(name, from, to).forEach((row, i) => statistics.add(row, 1 / (1 + ((from + i) % 3))));
  }
}

const begun = () => new Map(Object.entries(columnsOf).map(([name, k]) => [name, new InputStatistics(name, k)]));
const momentsOf = (all: ReadonlyMap<string, InputStatistics>) => [...all].map(([name, each]) => [name, each.moments()]);
const sumsOf = (all: ReadonlyMap<string, InputStatistics>) =>
  new Map([...all].map(([name, each]) => [name, each.sums] as const));

describe('a half-done calibration in a folder', () => {
  it('goes on to the same bits, however often it was ended', async () => {
    const whole = begun();
    addRows(whole, 0, 30);
    let current = begun();
    for (const [i, [from, to]] of [
      [0, 1],
      [1, 17],
      [17, 30],
    ].entries()) {
      addRows(current, from!, to!);
      const planes = Float32Array.of(i, 0.1, -3);
      const saves = await openCalibrationSaves(recipe, settings);
      await saves.save(2, { run: i, evaluations: 1, planes, sums: sumsOf(current) });
      // Another process.
      const again = await openCalibrationSaves(recipe, settings);
      expect(again.resumed).toBe(true);
      const state = await again.load(2);
      expect(state).toMatchObject({ run: i, evaluations: 1, planes });
      expect(await again.load(0)).toBeUndefined();
      current = new Map(
        [...state!.sums].map(([name, sums]) => [name, new InputStatistics(name, columnsOf[name]!, sums)]),
      );
    }
    expect(momentsOf(current)).toEqual(momentsOf(whole));
  });

  it('keeps what was saved before where a save was killed, and leaves nothing when done', async () => {
    const saves = await openCalibrationSaves(recipe, settings);
    expect(saves.resumed).toBe(false);
    const all = begun();
    addRows(all, 0, 4);
    await saves.save(0, { run: 1, evaluations: 0, sums: sumsOf(all) });
    // As a kill in the middle of the next one leaves it.
    await writeFile(join(saves.path, '.0.safetensors.1234.partial'), 'half');
    const again = await openCalibrationSaves(recipe, settings);
    expect(await again.load(0)).toMatchObject({ run: 1, evaluations: 0 });
    expect((await again.load(0))!.planes).toBeUndefined();
    await again.remove();
    expect(await readdir(folder)).toEqual([]);
    await again.remove();
  });

  it('refuses what was saved with other settings, what is no calibration, and a place for no folder', async () => {
    const saves = await openCalibrationSaves(recipe, settings);
    await saves.save(0, { run: 0, evaluations: 0, sums: new Map() });
    const other = openCalibrationSaves(recipe, '{"prompts":["b"]}');
    await expect(other).rejects.toMatchObject({ code: 'recipe/other-analysis' });
    await expect(other).rejects.toThrow(
      /0\.safetensors: expected the calibration of this analysis.*Remove the folder/s,
    );
    await writeFile(join(saves.path, '1.safetensors'), 'nothing of the kind');
    await expect(openCalibrationSaves(recipe, settings)).rejects.toMatchObject({ code: 'recipe/other-analysis' });
    await saves.remove();
    await writeFile(saves.path, 'a file');
    await expect(openCalibrationSaves(recipe, settings)).rejects.toMatchObject({ code: 'palettize/not-writable' });
  });
});
