import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCli } from './run-cli.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pleinair-analyze-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const analyze = (...flags: string[]) => runCli('palettize', 'analyze', ...flags);

describe('pleinair palettize analyze says what is wrong before any GPU is asked', () => {
  it.each([
    [['--bits', '4,5'], /some of 1, 2, 3, 4, 6, 8, got "5"/],
    [['--bits', ''], /got ""/],
    [['--targets', '0'], /average bits from 0 to 16, got "0"/],
    [['--method', 'slow'], /--method/],
    [['--seed', '-1'], /whole number/],
  ])('%j', async (flags, message) => {
    const { code, err } = await analyze('demo', '--out', join(folder, 'recipe.json'), ...flags);
    expect(err).toMatch(message);
    expect(code).toBe(2);
  });

  it.each(['published', 'fast'])('targets below what the narrowest width takes, %s', async (method) => {
    const out = join(folder, 'recipe.json');
    const { code, err } = await analyze('demo', '--out', out, '--method', method, '--bits', '4,8', '--targets', '2,6');
    expect(err).toMatch(/expected targets of at least 4\.\d\d average bits, .*, got 2\./);
    expect(code).toBe(2);
    expect(await readdir(folder)).toEqual([]);
  });

  it('no place to write to', async () => {
    expect((await analyze('demo')).err).toMatch(/--out/);
    const { code, err } = await analyze('demo', '--out', join(folder, 'recipe.txt'));
    expect(err).toMatch(/expected a name ending in \.json, got "recipe\.txt"/);
    expect(code).toBe(2);
    await writeFile(join(folder, 'file'), '');
    expect((await analyze('demo', '--out', join(folder, 'file', 'recipe.json'))).code).toBe(6);
  });

  it.each([
    ['prompts.json', '{"a": 1}', /got \{"a":1\}/],
    ['prompts.json', '["a"', /got no JSON/],
    ['prompts.json', '[" "]', /got none/],
    ['prompts.txt', '\n \n', /got none/],
  ])('prompts in %s: %j', async (name, text, message) => {
    const path = join(folder, name);
    await writeFile(path, text);
    const { code, err } = await analyze('demo', '--out', join(folder, 'recipe.json'), '--prompts', path);
    expect(err).toMatch(message);
    expect(code).toBe(2);
  });

  it('no file of prompts, no model, no layers large enough; nothing is left behind', async () => {
    const out = join(folder, 'recipe.json');
    const none = await analyze('demo', '--out', out, '--prompts', join(folder, 'none.txt'));
    expect([none.code, none.err]).toEqual([2, expect.stringMatching(/ENOENT/)]);
    expect((await analyze(folder, '--out', out)).code).toBe(5);
    const large = await analyze('demo', '--out', out, '--min-weights', '10000000');
    expect([large.code, large.err]).toEqual([2, expect.stringMatching(/more than 10000000 weights, got none/)]);
    expect(await readdir(folder)).toEqual([]);
  });
});
