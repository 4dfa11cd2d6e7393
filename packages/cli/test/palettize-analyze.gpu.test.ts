import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readRecipeFile } from '@pleinair/palettize/node';
import { testDevice } from '@pleinair/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lastLine, runCli } from './run-cli.js';

let folder: string;
let flags: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pleinair-analyze-'));
  const prompts = join(folder, 'prompts.txt');
  await writeFile(prompts, 'a sailboat at sunset\n\n');
  // The largest layers of the demo model, and a small picture: what counts here is not what comes out.
  flags = ['--prompts', prompts, '--min-weights', '150000', '--bits', '4,8', '--width', '64', '--height', '64'];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Lines of a log after its first, which holds the settings. */
async function resultsIn(log: string): Promise<number> {
  const text = await readFile(log, 'utf8').catch(() => '');
  return Math.max(0, text.split('\n').length - 2);
}

/** Ctrl-C, as far as the command that was started last can tell, once something holds. */
async function interruptWhen(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
  process.listeners('SIGINT').at(-1)!('SIGINT');
}

const analyze = (out: string, ...more: string[]) =>
  runCli('palettize', 'analyze', 'demo', '--out', out, ...flags, ...more);

/** It keeps no compiled kernels: each run would make them all anew. The engine's own tests run there. */
const slow = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';

describe.skipIf(slow)('pleinair palettize analyze', () => {
  it('goes on after Ctrl-C and after a kill to the same recipe file, and makes more recipes of what is known (asked of one adapter, not SwiftShader)', async () => {
    const out = join(folder, 'recipe.json');
    const stopping = analyze(out);
    await interruptWhen(async () => (await resultsIn(`${out}.log`)) >= 3);
    const stopped = await stopping;
    expect(stopped.code).toBe(130);
    expect(stopped.err).toMatch(/recipe\.json\.log keeps what was measured; the same command goes on from there/);
    const known = await resultsIn(`${out}.log`);
    expect(known).toBeGreaterThanOrEqual(3);
    expect(await readdir(folder)).not.toContain('recipe.json');

    const first = await analyze(out, '--json');
    expect(first.code, first.err).toBe(0);
    expect(first.err).toContain(`${known} evaluations are known from recipe.json.log`);
    const file = await readRecipeFile(out);
    expect(file.model_version).toBe('pleinair-demo');
    const { layers, runs, recipes } = lastLine(first.out) as {
      layers: number;
      runs: number;
      recipes: { name: string; averageBits: number; psnr: number }[];
    };
    expect(layers).toBe(2);
    expect(recipes.map(({ name }) => name)).toEqual(Object.keys(file.recipes));
    for (const recipe of Object.values(file.recipes)) expect(Object.keys(recipe)).toHaveLength(layers);
    expect(runs).toBe(file.analysis!.runs);
    const log = `${out}.log`;
    const text = await readFile(log, 'utf8');
    expect(await resultsIn(log)).toBe(runs); // one prompt, so a run an evaluation
    expect(JSON.parse(text.split('\n')[0]!)).toMatchObject({
      settings: { prompts: ['a sailboat at sunset'], adapter: (await testDevice()).profile.name },
    });

    // As a kill in the middle of a write leaves it.
    const whole = await readFile(out, 'utf8');
    const settings = text.indexOf('\n') + 1;
    await writeFile(log, text.slice(0, Math.floor(settings + (text.length - settings) * 0.6)));
    await rm(out);
    const second = await analyze(out);
    expect(second.code, second.err).toBe(0);
    expect(second.err).toMatch(/\d+ evaluations are known from recipe\.json\.log/);
    expect(await readFile(out, 'utf8')).toBe(whole);
    expect(await readFile(log, 'utf8')).toBe(text);
    expect(second.out).toMatch(/original: [\d.]+ dB\nlinear 8bit: [\d.]+ dB/);

    const third = await analyze(out, '--targets', '5');
    expect(third.code, third.err).toBe(0);
    expect(Object.keys((await readRecipeFile(out)).recipes).length).toBeGreaterThanOrEqual(recipes.length);

    const other = await analyze(out, '--seed', '1');
    expect(other.code).toBe(2);
    expect(other.err).toMatch(/recipe\.json\.log: expected results of this analysis to go on from/);
    expect((await readdir(folder)).sort()).toEqual(['prompts.txt', 'recipe.json', 'recipe.json.log']);
  });

  it('takes fewer runs by the method fast (asked of one adapter, not SwiftShader)', async () => {
    const out = join(folder, 'fast.json');
    const calibration = join(folder, 'calibration.txt');
    await writeFile(calibration, 'hills in autumn\na river between rocks');
    const fast = ['--method', 'fast', '--calibration-prompts', calibration];
    // Ended in the middle of the calibration, it goes on from the last evaluation.
    const partial = join(folder, 'fast.calibration.partial');
    const stopping = analyze(out, ...fast);
    await interruptWhen(async () => (await readdir(partial).catch((): string[] => [])).includes('0.safetensors'));
    const stopped = await stopping;
    expect(stopped.code, stopped.err).toBe(130);
    expect(stopped.err).toContain(`${partial} keeps what was found; the same command goes on from there`);
    const refusedPart = await analyze(out, ...fast, '--guidance', '2');
    expect(refusedPart.code).toBe(2);
    expect(refusedPart.err).toMatch(/0\.safetensors: expected the calibration of this analysis to go on from/);
    const { code, err } = await analyze(out, ...fast, '--targets', '5,7');
    expect(code, err).toBe(0);
    expect(err).toContain('part of the calibration is known from fast.calibration.partial');
    expect(await readdir(folder)).not.toContain('fast.calibration.partial');
    const { analysis, recipes, calibration: named } = await readRecipeFile(out);
    // Layers, baselines, recipes; and of two prompts each their own step and three of a schedule.
    expect(analysis).toMatchObject({ method: 'fast', evaluations: 2 + 3 + 2, runs: 2 + 3 + 2 + 2 * 4 });
    const [recipe, ...others] = Object.keys(recipes);
    expect(others).toHaveLength(1);

    // What was found out of layers' inputs is kept, and applied.
    expect(named?.file).toBe('fast.calibration.safetensors');
    const without = join(folder, 'unbroken.json');
    const unbroken = await analyze(without, ...fast, '--targets', '5,7');
    expect(unbroken.code, unbroken.err).toBe(0);
    expect(await readRecipeFile(without)).toEqual({
      ...(await readRecipeFile(out)),
      calibration: { ...named, file: 'unbroken.calibration.safetensors' },
    });
    // Results so far would be of no use with a calibration of other settings.
    const refusedOther = await analyze(out, ...fast, '--guidance', '2');
    expect(refusedOther.code).toBe(2);
    expect(refusedOther.err).toMatch(/Remove it and fast\.json\.log to begin anew/);
    const apply = (to: string, name: string | undefined) =>
      runCli('palettize', 'apply', 'demo', join(folder, to), '--recipe', `${out}#${name}`, '--min-weights', '150000');
    const applied = await apply('with', recipe);
    expect(applied.code, applied.err).toBe(0);
    const again = await analyze(out, ...fast, '--targets', '6');
    expect(again.code, again.err).toBe(0);
    expect(again.err).toContain("what layers' inputs are like is known from fast.calibration.safetensors");
    const [other] = Object.keys((await readRecipeFile(out)).recipes);
    await rm(join(folder, 'fast.calibration.safetensors'));
    const refused = await apply('without', other);
    expect(refused.code).toBe(2);
    expect(refused.err).toMatch(/expected its calibration fast\.calibration\.safetensors in the same folder, got none/);
    expect(await readdir(folder)).not.toContain('without');
  });
});
