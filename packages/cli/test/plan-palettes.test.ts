import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mixedRecipe, recipeText, sdxlNames } from './mixed-recipe.js';
import { lastLine, runCli } from './run-cli.js';

interface PlanJson {
  components: Record<string, { weightsBytes: number; loopWeightsBytes: number; averageBits?: number }>;
  peakBytes: { low: number; resident: number };
}

const layer = 'down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q';
let folder: string;
let recipes: string;
let average: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pleinair-plan-'));
  recipes = join(folder, 'recipes.json');
  const mixed = await mixedRecipe(4.5);
  average = mixed.averageBits;
  const named = {
    [`unet.${layer}`]: 4,
    'text_encoder.text_model.encoder.layers.1.mlp.fc1': 4,
    'text_encoder_2.text_model.encoder.layers.0.mlp.fc1.weight': 6,
  } as const;
  await writeFile(recipes, recipeText({ mixed: mixed.recipe, named, wrong: { 'down_blocks.1.attentions.0.to_q': 4 } }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function plan(...args: string[]): Promise<PlanJson> {
  const { code, out, err } = await runCli('plan', ...args, '--json');
  expect(err).toBe('');
  expect(code).toBe(0);
  return lastLine(out) as unknown as PlanJson;
}

describe('pleinair plan of palettized models', { timeout: 120_000 }, () => {
  it('sdxl-base, UNet at 4 bits: 1.28 GB of weights, palettes included; other parts as they are', async () => {
    // Weights do not depend on the picture's size, and small ones are planned sooner.
    const { components } = await plan('sdxl-base', '--width', '256', '--height', '256', '--bits', 'unet=4');
    expect(Math.abs(components['unet']!.weightsBytes / 1.28e9 - 1)).toBeLessThan(0.01);
    expect(components['unet']!.averageBits).toBeGreaterThan(4);
    expect(components['unet']!.averageBits).toBeLessThan(4.001);
    expect(components['text_encoder_2']!.averageBits).toBeUndefined();
    expect(components['text_encoder_2']!.weightsBytes).toBeGreaterThan(1.3e9);
  });

  it('sdxl-base whole at 1024²: 4.5-bit UNet 1.45 GB, 6-bit text encoders, at most 1.6 GB at any moment', async () => {
    const asked = ['--recipe', `${recipes}#mixed`, '--bits', 'text_encoder=6,text_encoder_2=6', '--memory', 'low'];
    const { components, peakBytes } = await plan('sdxl-base', '--width', '1024', '--height', '1024', ...asked);
    expect(Math.abs(average / 4.5 - 1)).toBeLessThan(0.005);
    expect(components['unet']!.averageBits).toBeCloseTo(average, 9);
    expect(Math.abs(components['unet']!.weightsBytes / 1.45e9 - 1)).toBeLessThan(0.02);
    for (const part of ['text_encoder', 'text_encoder_2']) {
      expect(components[part]!.averageBits, part).toBeGreaterThan(6);
      expect(components[part]!.averageBits, part).toBeLessThan(6.01);
    }
    // Token embeddings too: nothing but biases, norms and positions stays in half floats.
    const { text_encoder_2: names } = await sdxlNames();
    const weights = Object.values(names!).reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
    expect(components['text_encoder_2']!.weightsBytes / ((weights * 6) / 8)).toBeLessThan(1.01);
    expect(peakBytes.low).toBeLessThanOrEqual(1.6e9);
  });

  it('shows average bits in the table, and only where something is palettized', async () => {
    const { out } = await runCli('plan', 'demo', '--bits', '4', '--components', 'unet,text_encoder');
    expect(out).toMatch(/^part +bits +weights/m);
    expect(out).toMatch(/^unet +4\.\d\d +2\.\d\d MB/m);
    expect(out).toMatch(/^text_encoder +4\.\d\d /m);
    expect(out).toMatch(/^text_encoder_2 +– /m);
    expect((await runCli('plan', 'demo')).out).not.toContain('bits');
  });

  it('a recipe may name components, and layers that never run', async () => {
    const plain = await plan('demo');
    const { components, peakBytes } = await plan('demo', '--recipe', `${recipes}#named`);
    const lighter = (part: string) => plain.components[part]!.weightsBytes - components[part]!.weightsBytes;
    // 80 rows take the room of 96 on the GPU, palettized or not.
    expect(lighter('unet')).toBe(2 * 96 * 80 - (96 * 80 * 4) / 8 - 2 * 16);
    expect(lighter('text_encoder')).toBe(0); // its last layer
    expect(components['text_encoder']!.averageBits).toBeLessThan(16);
    expect(lighter('text_encoder_2')).toBe(2 * 384 * 96 - (384 * 96 * 6) / 8 - 2 * 64);
    expect(components['vae_decoder']).toEqual(plain.components['vae_decoder']);
    expect(peakBytes.resident).toBeLessThan(plain.peakBytes.resident);
    const only = await plan('demo', '--recipe', `${recipes}#named`, '--components', 'text_encoder_2');
    expect(only.components).toEqual({ ...plain.components, text_encoder_2: components['text_encoder_2'] });
  });

  it('counts the demo model from its own least size of a layer on', async () => {
    const bits = async (...args: string[]) => (await plan('demo', '--bits', '4', ...args)).components['unet']!;
    expect((await bits()).averageBits).toBeLessThan(5);
    expect((await bits('--min-weights', '100000')).weightsBytes).toBeGreaterThan((await bits()).weightsBytes);
  });

  it.each([
    [['--bits', '5'], /expected 1, 2, 3, 4, 6, 8 or 16 bits, got 5/],
    [['--bits', 'unet:4'], /expected a width such as 4, or unet=4,text_encoder_2=6, got "unet:4"/],
    [['--bits', 'unet=4,unet=6'], /expected a width such as 4/],
    [['--bits', 'vae=4'], /expected --bits among text_encoder, text_encoder_2, unet, got "vae"/],
    [['--bits', '4', '--components', 'prior'], /expected --components among .*, got "prior"/],
    [['--recipe', 'RECIPES#wrong'], /nearest: down_blocks\.1\.attentions\.0\.proj_in/],
    [['--recipe', 'RECIPES#none'], /expected none, got mixed, named, wrong/],
    [['--recipe', 'RECIPES'], /expected one recipe, got mixed, named, wrong/],
    [['--recipe', 'RECIPES#mixed', '--bits', '6'], /expected --bits to name its components beside --recipe/],
    [['--recipe', 'RECIPES#mixed', '--bits', 'unet=6'], /expected either --recipe or --bits for unet, got both/],
    [['--recipe', 'RECIPES#mixed', '--components', 'text_encoder,text_encoder_2'], /one component for a recipe/],
  ])('refuses %j and says why', async (args, message) => {
    const { code, out, err } = await runCli('plan', 'sdxl-base', ...args.map((arg) => arg.replace('RECIPES', recipes)));
    expect(err).toMatch(message);
    expect(out).toBe('');
    expect(code).toBe(2);
  });
});
