import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatRecipeFile, type RecipeFile } from '@pleinair/palettize';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCli } from './run-cli.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pleinair-report-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A file as published, of two layers. */
function fileOf(model: string, method?: string): RecipeFile {
  const layers = [
    { layer: 'down_blocks.0.resnets.0.conv1', shape: [64, 64, 3, 3] },
    { layer: 'conv_in', shape: [64, 4, 3, 3] },
  ];
  return {
    model_version: model,
    baselines: { original: 82, linear_8bit: 60, 'recipe_4.20_bit_mixedpalette': 66.25 },
    recipes: { 'recipe_4.20_bit_mixedpalette': { 'down_blocks.0.resnets.0.conv1': 4, conv_in: 6 } },
    single_layer: {},
    cumulative: {},
    ...(method && { analysis: { method, evaluations: 10, runs: 80, layers, group: 0 } }),
  };
}

async function written(name: string, file: RecipeFile): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, formatRecipeFile(file));
  return path;
}

describe('pleinair palettize report', () => {
  it('writes a page about one file or several, in the place of the one before', async () => {
    const published = await written('published.json', fileOf('demo', 'published'));
    const fast = await written('fast.json', fileOf('demo', 'fast'));
    const out = join(folder, 'page.html');
    const one = await runCli('palettize', 'report', published, '--out', out);
    expect(one.code, one.err).toBe(0);
    expect(one.out).toContain(`${out}\n`);
    const first = await readFile(out, 'utf8');
    expect(first.startsWith('<!doctype html>')).toBe(true);
    expect(first.includes('aria-label="published: 4.15 bits, 66.3 dB')).toBe(true);
    expect(first.includes('None were made: add --model FOLDER')).toBe(true);
    const two = await runCli('palettize', 'report', published, fast, '--out', out);
    expect(two.code, two.err).toBe(0);
    expect((await readFile(out, 'utf8')).includes('aria-label="fast: 4.15 bits, 66.3 dB')).toBe(true);
    expect((await readdir(folder)).sort()).toEqual(['fast.json', 'page.html', 'published.json']);
  });

  it('draws files of others, which tell no shapes', async () => {
    const out = join(folder, 'page.html');
    const { code, err } = await runCli('palettize', 'report', await written('a.json', fileOf('sdxl')), '--out', out);
    expect(code, err).toBe(0);
    expect((await readFile(out, 'utf8')).includes('published: 4.20 bits, 66.3 dB')).toBe(true);
  });

  it('refuses what is no recipe file, files of several models, and a page by another name', async () => {
    const file = await written('a.json', fileOf('one'));
    const other = await written('b.json', fileOf('two'));
    await writeFile(join(folder, 'c.json'), '[]');
    const run = async (...args: string[]) => {
      const { code, err } = await runCli('palettize', 'report', ...args);
      return { code, err };
    };
    const out = ['--out', join(folder, 'page.html')];
    expect(await run(join(folder, 'c.json'), ...out)).toMatchObject({ code: 2 });
    expect(await run(join(folder, 'none.json'), ...out)).toMatchObject({ code: 5 });
    expect(await run(file, other, ...out)).toEqual({
      code: 2,
      err: 'report: expected recipe files of one model, got one and two. Make a report for each.\n',
    });
    expect(await run(file, '--out', join(folder, 'page.pdf'))).toMatchObject({ code: 2 });
    expect(await run(...out)).toMatchObject({ code: 2 });
    expect((await readdir(folder)).sort()).toEqual(['a.json', 'b.json', 'c.json']);
  });
});
