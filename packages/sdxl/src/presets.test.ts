import { describe, expect, it } from 'vitest';
import { partGraph, type PartName, type PipelineShape } from './graphs.js';
import { readSdxlConfig, type SdxlFiles } from './model-config.js';
import { sdxlBaseFiles, sdxlInpaintFiles, sdxlRefinerFiles } from './presets.js';
import { sdxlModel } from './sdxl-model.js';

const shape: PipelineShape = {
  width: 64,
  height: 64,
  pictures: 1,
  guided: true,
  halves: 'together',
  chunks: 1,
  precision: 'f16',
  solver: { slots: 0, drawsNoise: false, evaluations: 2 },
};

/** Numbers of a part's checkpoint tensors, each counted once. */
function parameters(files: SdxlFiles, part: PartName): number {
  const { weights } = partGraph(readSdxlConfig(files), shape, part);
  const sizes = new Map(weights.map(({ source }) => [source.name, source.shape.reduce((a, b) => a * b, 1)]));
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

describe('official models of the family', () => {
  it.each([
    ['base', sdxlBaseFiles, 2_567_463_684],
    ['refiner', sdxlRefinerFiles, 2_259_526_660],
    // Five more channels to look at.
    ['inpainting', sdxlInpaintFiles, 2_567_463_684 + 5 * 9 * 320],
  ] as const)('%s: the UNet counts what was published', (_, files, count) => {
    expect(parameters(files, 'unet')).toBe(count);
  });

  it('refiner: reads the second text encoder only, refines what is there, and is told how good it is to look', () => {
    const config = readSdxlConfig(sdxlRefinerFiles);
    const model = sdxlModel(config);
    expect(config.sizeNumbers).toBe(5);
    expect(model.needsImage).toBe(true);
    expect(model.zerosForAbsentNegative).toBe(false);
    expect(model.texts.map(({ part }) => part)).toEqual(['text_encoder_2']);
    expect(model.parts.map(({ name }) => name)).toEqual(['text_encoder_2', 'vae_encoder', 'unet', 'vae_decoder']);
    const size = { width: 64, height: 96 };
    expect([...model.timeIds!(size, {}, false)]).toEqual([96, 64, 0, 0, 6]);
    expect([...model.timeIds!(size, { cropTopLeft: [1, 2], negativeOriginalSize: [7, 8] }, true)]).toEqual([7, 8, 1, 2, 2.5]); // prettier-ignore
  });

  it('refuses a UNet that is told neither 5 nor 6 size numbers', () => {
    const unet = { ...sdxlBaseFiles.unet, projection_class_embeddings_input_dim: 2560 + 512 };
    expect(() => readSdxlConfig({ ...sdxlBaseFiles, unet })).toThrow(/room for 6 size numbers of 256/);
  });

  it.each([
    ['resnet_out_scale_factor', 0.5],
    ['class_embed_type', 'timestep'],
    ['encoder_hid_dim', 1024],
    ['dual_cross_attention', true],
  ])('refuses a UNet whose "%s" of %j would compute something else', (key, value) => {
    const unet = { ...sdxlBaseFiles.unet, [key]: value };
    expect(() => readSdxlConfig({ ...sdxlBaseFiles, unet })).toThrow(`expected "${key}" to be`);
  });
});
