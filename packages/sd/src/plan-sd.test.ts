import { defaultProfile, orderBounds, planProgram } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { partGraph, partNames, type PartName } from './graphs.js';
import { readSdConfig } from './model-config.js';
import { planSd } from './plan-sd.js';
import { sd15Files, sd15InpaintFiles, sd21Files } from './presets.js';

const config = readSdConfig(sd15Files);
const shape = {
  width: 512,
  height: 512,
  pictures: 1,
  guided: true,
  halves: 'together',
  chunks: 1,
  precision: 'f16',
  solver: { slots: 4, drawsNoise: false, evaluations: 51 },
} as const;

/** Numbers of a part's checkpoint tensors, each counted once. */
function parameters(part: PartName, of = config): number {
  const sizes = new Map(
    partGraph(of, shape, part).weights.map(({ source }) => [source.name, source.shape.reduce((a, b) => a * b, 1)]),
  );
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

describe('Stable Diffusion 1.5', () => {
  // Published counts; the decoder's is the VAE's 83,653,863 less its encoder's and quant_conv's.
  it.each([
    ['text_encoder', 123_060_480],
    ['unet', 859_520_964],
    ['vae_decoder', 49_490_199],
  ] as const)('%s reads %d parameters', (part, count) => {
    expect(parameters(part)).toBe(count);
  });

  it('projects into its transformers by convolutions, in eight heads a level', () => {
    const names = new Map(partGraph(config, shape, 'unet').weights.map(({ source }) => [source.name, source.shape]));
    expect(names.get('down_blocks.0.attentions.0.proj_in.weight')).toEqual([320, 320, 1, 1]);
    expect(names.get('down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight')).toEqual([320, 768]);
    expect([...names.keys()].some((name) => name.startsWith('add_embedding'))).toBe(false);
    expect(config.unet.levels.map(({ heads }) => heads)).toEqual([8, 8, 8, 8]);
  });

  it('holds at most 45 MB of UNet intermediates at 512², both halves together, in fp16', () => {
    const { components, peakBytes } = planSd(config, shape);
    expect(Object.keys(components)).toEqual([...partNames, 'vae_decoder_tiled']);
    expect(components.unet.intermediatesBytes).toBeLessThanOrEqual(45e6);
    expect(components.unet.intermediatesBytes).toBeGreaterThan(20e6);
    expect(components.unet.weightsBytes).toBeGreaterThan(2 * 859_520_964);
    expect(peakBytes.low).toBeLessThan(peakBytes.resident);
  });

  it('needs no more of the UNet’s step than any order of its nodes would', () => {
    const bounds = orderBounds(planProgram(partGraph(config, shape, 'unet'), defaultProfile));
    const { plannedBytes, leastBytes } = bounds.find(({ segment }) => segment === 'step')!;
    expect(leastBytes).toBeLessThanOrEqual(plannedBytes);
    expect(leastBytes).toBeGreaterThan(0.99 * plannedBytes);
  });

  it('refuses the parts of other models', () => {
    const change = (unet: Record<string, unknown>) => () =>
      readSdConfig({ ...sd15Files, unet: { ...sd15Files.unet, ...unet } });
    expect(change({ cross_attention_dim: 2048 })).toThrow(/expected "cross_attention_dim" .* 768, got 2048/);
    expect(
      change({
        addition_embed_type: 'text_time',
        addition_time_embed_dim: 256,
        projection_class_embeddings_input_dim: 2816,
      }),
    ).toThrow(/expected no "addition_embed_type"/);
    expect(() => readSdConfig({ ...sd15Files, modelIndex: { _class_name: 'StableDiffusionXLPipeline' } })).toThrow(
      /expected "_class_name" to be StableDiffusionPipeline or .*, got "StableDiffusionXLPipeline"/,
    );
  });
});

describe('others of the family', () => {
  it('count what was published: the UNet that is shown the mask, and that of 2.1', () => {
    expect(parameters('unet', readSdConfig(sd15InpaintFiles))).toBe(859_520_964 + 5 * 9 * 320);
    const second = readSdConfig(sd21Files);
    expect(parameters('unet', second)).toBe(865_910_724);
    expect(second.defaults).toMatchObject({ width: 768, height: 768 });
  });
});
