import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ATTRIBUTE_VALUES } from './attributes.js';
import {
  analysisPrompts,
  calibrationPrompts,
  heldOutPrompts,
  modelPath,
  modelUrl,
  palettizedModelUrl,
} from './index.js';

const json = (name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(modelPath, name), 'utf8')) as Record<string, unknown>;

function bytesIn(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return files.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

describe('the model folder', () => {
  it('is in diffusers layout, and under 20 MB with what is palettized of it', () => {
    expect(modelUrl.href.endsWith('/model/')).toBe(true);
    const index = json('model_index.json');
    expect(index._class_name).toBe('StableDiffusionXLPipeline');
    expect(index.force_zeros_for_empty_prompt).toBe(true);
    for (const part of Object.keys(index).filter((key) => !key.startsWith('_') && Array.isArray(index[key]))) {
      expect(existsSync(join(modelPath, part)), part).toBe(true);
    }
    expect(bytesIn(modelPath) + bytesIn(fileURLToPath(palettizedModelUrl))).toBeLessThan(20e6);
  });

  it("has SDXL's topology", () => {
    expect(json('unet/config.json')).toMatchObject({
      down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
      addition_embed_type: 'text_time',
      use_linear_projection: true,
    });
    expect(json('vae/config.json')).toMatchObject({
      latent_channels: 4,
      down_block_types: Array(4).fill('DownEncoderBlock2D') as string[],
    });
  });

  it('names prompts to analyse and to calibrate with that are no held-out ones', () => {
    const own = [...analysisPrompts, ...calibrationPrompts];
    expect([analysisPrompts.length, calibrationPrompts.length]).toEqual([8, 32]);
    expect(new Set([...own, ...heldOutPrompts.map(({ prompt }) => prompt)]).size).toBe(240);
  });

  it('names 200 different held-out prompts with known attributes', () => {
    expect(new Set(heldOutPrompts.map(({ prompt }) => prompt)).size).toBe(200);
    for (const { attributes } of heldOutPrompts) {
      for (const [name, value] of Object.entries(attributes)) {
        expect(ATTRIBUTE_VALUES[name as keyof typeof ATTRIBUTE_VALUES]).toContain(value);
      }
    }
  });
});
