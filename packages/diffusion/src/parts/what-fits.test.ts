import { defaultProfile, DeviceError, ShapeError, planProgram } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { readVaeConfig } from '../vae/config.js';
import type { PipelineShape } from './pipeline-shape.js';
import { vaeDecoderGraph } from './vae-tiling.js';
import { planOrSayWhatFits } from './what-fits.js';

function shapeOf(width: number, height: number): PipelineShape {
  return {
    width,
    height,
    pictures: 1,
    guided: true,
    halves: 'together',
    chunks: 1,
    precision: 'f16',
    solver: { slots: 0, drawsNoise: false, evaluations: 1 },
  };
}

/** Plans that an adapter takes up to so many pixels. */
const upTo =
  (pixels: number, tried: string[] = []) =>
  ({ width, height }: PipelineShape): string => {
    tried.push(`${width}×${height}`);
    if (width * height > pixels) throw new DeviceError('device/limit', 'plan: expected less, got more. Ask for less.');
    return 'planned';
  };

describe('planOrSayWhatFits', () => {
  it('plans once where it fits', () => {
    const tried: string[] = [];
    expect(planOrSayWhatFits(shapeOf(2048, 1024), upTo(1e9, tried))).toBe('planned');
    expect(tried).toEqual(['2048×1024']);
  });

  it('says the largest of the same proportions that does, and keeps what was wrong', () => {
    const plan = (): unknown => planOrSayWhatFits(shapeOf(4096, 2048), upTo(2048 * 1024));
    expect(plan).toThrow(/expected less, got more\. Ask for less\. .* that fits is about 2048×1024\.$/);
    expect(plan).toThrow(expect.objectContaining({ code: 'device/limit' }));
  });

  it('says nothing more where nothing fits, and of other errors', () => {
    expect(() => planOrSayWhatFits(shapeOf(4096, 2048), upTo(0))).toThrow(/Ask for less\.$/);
    const wrong = new ShapeError('shape/size', 'plan: expected 8, got 7. Try 8.');
    expect(() =>
      planOrSayWhatFits(shapeOf(64, 64), () => {
        throw wrong;
      }),
    ).toThrow(wrong);
  });

  it('a decode in bands binds the latents’ level whole: halves of 2560² under bindings of 128 MiB', () => {
    const json = { block_out_channels: [128, 256, 512, 512], layers_per_block: 2, norm_num_groups: 32 };
    const config = readVaeConfig({ ...json, latent_channels: 4, out_channels: 3, force_upcast: true });
    const limits = { ...defaultProfile.limits, maxStorageBufferBindingSize: 2 ** 27 };
    const profile = { ...defaultProfile, limits };
    const plan = (side: number) => (): number =>
      planOrSayWhatFits(
        shapeOf(side, side),
        (shape) => planProgram(vaeDecoderGraph(config, { ...shape, vae: 'tiled' }), profile).intermediatesBytes,
      );
    expect(plan(2560)()).toBeLessThan(260e6);
    expect(plan(3072)).toThrow(/binding limit of 134217728 bytes, got 150994944.* fits is about 2880×2880\./);
  });
});
