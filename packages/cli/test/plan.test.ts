import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sd15Files } from '@pleinair/sd';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lastLine, runCli } from './run-cli.js';

interface PlanJson {
  components: Record<string, Record<string, number>>;
  peakBytes: { low: number; resident: number };
}

const fields = [
  'weightsBytes',
  'loopWeightsBytes',
  'intermediatesBytes',
  'persistentBytes',
  'naiveBytes',
  'flops',
  'executedFlops',
  'bytesMoved',
  'dispatches',
  'pipelines',
];

async function plan(...args: string[]): Promise<PlanJson> {
  const { code, out, err } = await runCli('plan', ...args, '--json');
  expect(err).toBe('');
  expect(code).toBe(0);
  return lastLine(out) as unknown as PlanJson;
}

describe('pleinair plan of a model folder', () => {
  let folder: string;
  beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'pleinair-plan-'))));
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function write(files: Readonly<Record<string, unknown>>): Promise<void> {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(join(folder, path, '..'), { recursive: true });
      await writeFile(join(folder, path), JSON.stringify(content));
    }
  }

  it('goes by what the folder says it is: Stable Diffusion 1.5, whose figures are its preset’s', async () => {
    const { modelIndex, textEncoder, unet, vae, scheduler } = sd15Files;
    await write({
      'model_index.json': modelIndex,
      'text_encoder/config.json': textEncoder,
      'unet/config.json': unet,
      'vae/config.json': vae,
      'scheduler/scheduler_config.json': scheduler,
    });
    const size = ['--width', '64', '--height', '64'];
    const { components, peakBytes } = await plan(folder, ...size);
    const preset = await plan('sd15', ...size);
    expect(components).toEqual(preset.components);
    expect(peakBytes).toEqual(preset.peakBytes);
  }, 120_000);

  it.each([
    [
      { _class_name: 'StableDiffusion3Pipeline' },
      /StableDiffusionXLPipeline, .*StableDiffusionPipeline, .*, got "StableDiffusion3Pipeline"/,
    ],
    [{}, /expected "_class_name" to be one of .*, got undefined/],
    [[], /model_index\.json: expected a JSON object, got \[\]/],
  ])('says what there is where it is something else: %j', async (index, message) => {
    await write({ 'model_index.json': index });
    const { code, err } = await runCli('plan', folder);
    expect(err).toMatch(message);
    expect(code).toBe(5);
  });
});

describe('pleinair plan', () => {
  it('sdxl-base at 1024²: every figure of every part, and both peaks', async () => {
    const { components, peakBytes } = await plan('sdxl-base', '--width', '1024', '--height', '1024');
    expect(Object.keys(components)).toEqual([
      'text_encoder',
      'text_encoder_2',
      'unet',
      'vae_decoder',
      'vae_decoder_tiled',
    ]);
    for (const [name, part] of Object.entries(components)) {
      expect(Object.keys(part), name).toEqual(fields);
      for (const [field, value] of Object.entries(part)) expect(value, `${name}.${field}`).toBeGreaterThan(0);
    }
    const unet = components['unet']!;
    expect(unet['weightsBytes']! / 5.13e9).toBeCloseTo(1, 2);
    // Cross-attention keys and values are made before the loop: 13 % of the weights need not stay.
    expect(unet['loopWeightsBytes']! / unet['weightsBytes']!).toBeLessThan(0.88);
    expect(peakBytes.low).toBeLessThan(peakBytes.resident);
    expect(peakBytes.low).toBeGreaterThan(unet['loopWeightsBytes']! + unet['intermediatesBytes']!);
  });

  it('sd15 at 512²: every figure of every part, at most 45 MB of UNet intermediates', async () => {
    const { components } = await plan('sd15', '--width', '512', '--height', '512');
    expect(Object.keys(components)).toEqual(['text_encoder', 'unet', 'vae_decoder', 'vae_decoder_tiled']);
    for (const [name, part] of Object.entries(components)) {
      expect(Object.keys(part), name).toEqual(fields);
      for (const [field, value] of Object.entries(part)) expect(value, `${name}.${field}`).toBeGreaterThan(0);
    }
    expect(components['unet']!['intermediatesBytes']).toBeLessThanOrEqual(45e6);
  });

  it('demo: a guided step within 5 GFLOP, a decode within 10, weights under 20 MB', async () => {
    const { components } = await plan('demo');
    expect(components['unet']!['flops']! / 1e9).toBeLessThan(5);
    expect(components['vae_decoder']!['flops']! / 1e9).toBeLessThan(10);
    const weights = Object.values(components).reduce((sum, part) => sum + part['weightsBytes']!, 0);
    expect(weights).toBeLessThan(20e6);
  });

  it('halves in turn take half the intermediates of halves together', async () => {
    const size = ['sdxl-base', '--width', '1024', '--height', '1024'];
    const together = (await plan(...size)).components['unet']!['intermediatesBytes']!;
    const inTurn = (await plan(...size, '--guidance-halves', 'in-turn')).components['unet']!['intermediatesBytes']!;
    expect(inTurn / together).toBeGreaterThan(0.45);
    expect(inTurn / together).toBeLessThan(0.55);
  });

  it('shows a table, one peak with --memory, and MB as 10⁶ bytes', async () => {
    const { code, out } = await runCli('plan', 'sdxl-base', '--memory', 'low');
    expect(code).toBe(0);
    expect(out).toMatch(/unet\s+5\.1[34] GB/);
    expect(out).toContain('peak, memory low');
    expect(out).not.toContain('peak, memory resident');
  });

  it('names a profile that fits any precision', async () => {
    const { out } = await runCli('plan', 'demo', '--precision', 'f32');
    expect(out).toMatch(/, f32, default profile/);
    expect(out).not.toMatch(/fp16/);
  });

  it.each([
    [['plan', 'sdxl-base', '--batch', '3'], 2, /--batch 1, or an even number/],
    [['plan', 'sdxl-base', '--width', '1020'], 2, /multiple of 8 pixels, got 1020\. Try 1024|Try 1016/],
    [['plan', '/nowhere/at/all'], 5, /model_index\.json/],
    [['plan'], 2, /missing required argument/],
    [['plan', 'sdxl-base', '--precision', 'f8'], 2, /f16, f32/],
  ])('%j fails with code %i and says why', async (args, expected, message) => {
    const { code, err } = await runCli(...args);
    expect(err).toMatch(message);
    expect(code).toBe(expected);
  });
});
