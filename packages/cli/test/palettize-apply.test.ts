import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelPath } from '@pleinair/demo-model';
import { openComponent, palettizedEntries } from '@pleinair/weights';
import { folderSource } from '@pleinair/weights/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { damageHeader } from './damage.js';
import { recipeText } from './mixed-recipe.js';
import { lastLine, runCli } from './run-cli.js';

const unetFile = 'unet/diffusion_pytorch_model.safetensors';
let folder: string;
let out: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pleinair-palettize-'));
  out = join(folder, 'out');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function widths(part: string): Promise<Set<number>> {
  const entries = palettizedEntries(await openComponent(folderSource(out), part));
  return new Set([...entries.values()].map(({ bits }) => bits));
}

async function planned(...args: string[]): Promise<Record<string, { weightsBytes: number; averageBits?: number }>> {
  const { code, out: text } = await runCli('plan', ...args, '--json');
  expect(code).toBe(0);
  return lastLine(text)['components'] as Record<string, { weightsBytes: number; averageBits?: number }>;
}

describe('pleinair palettize apply', { timeout: 120_000 }, () => {
  it('writes the whole model, which then is planned as it lies', async () => {
    const asked = ['--bits', 'unet=4,text_encoder_2=6'];
    const { code, out: text, err } = await runCli('palettize', 'apply', 'demo', out, ...asked, '--json');
    expect(err).toMatch(/unet: \d+ layers, 4\.\d\d bits on average, 9\.33 MB → 2\.\d\d MB/);
    expect(code).toBe(0);
    const report = lastLine(text) as { parts: Record<string, { averageBits: number; bytes: number }> };
    expect(Object.keys(report.parts)).toEqual(['text_encoder_2', 'unet']);
    expect([await widths('unet'), await widths('text_encoder_2')]).toEqual([new Set([4]), new Set([6])]);

    const files = async (path: string) => (await readdir(path, { recursive: true })).sort();
    expect(await files(out)).toEqual(await files(modelPath));
    for (const same of [
      'model_index.json',
      'tokenizer/vocab.json',
      'text_encoder/model.safetensors',
      'vae/config.json',
    ]) {
      expect(Buffer.compare(await readFile(join(out, same)), await readFile(join(modelPath, same))), same).toBe(0);
    }

    const lying = await planned(out);
    expect(lying).toEqual(await planned('demo', ...asked));
    expect(lying['unet']!.averageBits).toBeCloseTo(report.parts['unet']!.averageBits, 12);
    expect(lying['text_encoder']!.averageBits).toBeUndefined();
    // What is in the file is what is in GPU memory, but for the header and for rows of biases padded to whole vec4s.
    expect(Math.abs(lying['unet']!.weightsBytes / report.parts['unet']!.bytes - 1)).toBeLessThan(0.05);
  });

  it('follows a recipe, and replaces a model only when told to', async () => {
    const recipe = join(folder, 'recipe.json');
    await writeFile(
      recipe,
      recipeText({ one: { 'mid_block.resnets.0.conv1': 3, 'text_encoder.text_model.encoder.layers.0.mlp.fc1': 8 } }),
    );
    expect((await runCli('palettize', 'apply', 'demo', out, '--recipe', recipe)).code).toBe(0);
    expect([await widths('unet'), await widths('text_encoder')]).toEqual([new Set([3]), new Set([8])]);

    const again = ['palettize', 'apply', 'demo', out, '--bits', '8', '--components', 'text_encoder'];
    const refused = await runCli(...again);
    expect(refused.err).toMatch(/expected a folder that is not there yet, got a model\. .*--force/);
    expect(refused.code).toBe(6);
    expect(await widths('unet')).toEqual(new Set([3]));
    expect((await runCli(...again, '--force')).code).toBe(0);
    expect([await widths('unet'), await widths('text_encoder')]).toEqual([new Set(), new Set([8])]);
    expect((await readdir(folder)).sort()).toEqual(['out', 'recipe.json']);
  });

  it.each<[number, RegExp, string[]]>([
    [2, /expected 1, 2, 3, 4, 6, 8 or 16 bits, got 5/, ['demo', 'OUT', '--bits', '5']],
    [2, /expected a folder on this machine, got https:/, ['https://example.org/model', 'OUT', '--bits', '4']],
    [2, /expected --bits or --recipe to palettize something, got nothing/, ['demo', 'OUT']],
    [2, /expected --bits or --recipe to palettize something/, ['demo', 'OUT', '--bits', 'unet=16']],
    [
      2,
      /got mid_block\.resnets\.0\.conv3 \(nearest: mid_block\.resnets\.0\.conv1, /,
      ['demo', 'OUT', '--recipe', 'RECIPE'],
    ],
    [5, /expected model_index\.json/, ['TMP', 'OUT', '--bits', '4']],
    [6, /expected a place that can be written/, ['demo', 'TMP/no/out', '--bits', '4']],
    [6, /got one that holds/, ['demo', modelPath, '--bits', '4', '--force']],
    [6, /expected a folder that is not there yet, got a folder of other things/, ['demo', 'TMP', '--bits', '4']],
  ])('exit code %i and %s for %j, nothing left behind', async (expected, message, args) => {
    await writeFile(join(folder, 'recipe.json'), recipeText({ one: { 'mid_block.resnets.0.conv3': 4 } }));
    const place = (arg: string) =>
      arg.replace('TMP', folder).replace('OUT', out).replace('RECIPE', join(folder, 'recipe.json'));
    const { code, err, out: text } = await runCli('palettize', 'apply', ...args.map(place));
    expect(err).toMatch(message);
    expect(text).toBe('');
    expect(code).toBe(expected);
    expect(await readdir(folder)).toEqual(['recipe.json']);
  });

  it('tells what is wrong with a palettized model, and never palettizes one twice', async () => {
    await runCli('palettize', 'apply', 'demo', out, '--bits', 'unet=2');
    const twice = await runCli('palettize', 'apply', out, join(folder, 'again'), '--bits', 'unet=4');
    expect(twice.err).toMatch(/unet: expected weights as they were trained, got a palettized part/);
    expect(twice.code).toBe(5);
    expect((await runCli('plan', out, '--bits', 'unet=4')).code).toBe(5);

    const intact = await readFile(join(out, unetFile));
    const name = 'mid_block.resnets.0.conv1.weight';
    const damages: [RegExp, Parameters<typeof damageHeader>[1]][] = [
      [
        /conv1\.weight: expected a palette F16 \[1, at most 4\] for 2 bits, got F16 \[4, 1\]/,
        (entries) => (entries[`${name}.palette`]!.shape = [4, 1]),
      ],
      [
        /conv1\.weight: expected indices U8 \[.*\] for 2 bits, got U8 \[8, \d+\]/,
        (entries) => {
          const indices = entries[`${name}.palette_indices`]!;
          indices.shape = [8, indices.shape.reduce((a, b) => a * b, 1) / 8];
        },
      ],
    ];
    for (const [message, change] of damages) {
      await writeFile(join(out, unetFile), intact);
      await damageHeader(join(out, unetFile), change);
      const { code, err } = await runCli('plan', out);
      expect(err).toMatch(message);
      expect(code).toBe(5);
    }
  });
});
