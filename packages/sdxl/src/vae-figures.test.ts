import { describe, expect, it } from 'vitest';
import { partPlan, settleVae, type PartPlan } from '@pleinair/diffusion';
import { defaultProfile, planProgram } from '@pleinair/tensor';
import { partGraph, type PipelineShape } from './graphs.js';
import { readSdxlConfig } from './model-config.js';
import { planSdxl } from './plan-sdxl.js';
import { sdxlBaseFiles } from './presets.js';

const config = readSdxlConfig(sdxlBaseFiles);
const shape = (side: number, vae: 'exact' | 'tiled'): PipelineShape => ({
  width: side,
  height: side,
  pictures: 1,
  guided: true,
  halves: 'together',
  chunks: 1,
  precision: 'f16',
  solver: { slots: 0, drawsNoise: false, evaluations: 20 },
  vae,
});

/** The decoder alone: planning a UNet takes seconds. */
const decoder = (side: number, vae: 'exact' | 'tiled'): PartPlan =>
  partPlan(planProgram(partGraph(config, shape(side, vae), 'vae_decoder'), defaultProfile));

describe("SDXL's decoder, whose activations are f32", () => {
  it('1024²: in bands at most 96 MB with all that outlives a band, whole 1.6 GB', () => {
    const { components, peakBytes } = planSdxl(config, shape(1024, 'exact'));
    const { vae_decoder: whole, vae_decoder_tiled: tiled } = components;
    expect(tiled.intermediatesBytes + tiled.persistentBytes).toBeLessThanOrEqual(96e6);
    expect(whole.intermediatesBytes).toBeLessThanOrEqual(3.05 * 1024 ** 2 * 128 * 4);
    // The UNet's weights decide the peak all the same.
    expect(peakBytes.low).toBeGreaterThan(4e9);
  });

  it('planned in bands, the part is what runs', () => {
    const { components } = planSdxl(config, shape(256, 'tiled'));
    expect(components.vae_decoder).toEqual(components.vae_decoder_tiled);
  });
});

describe('the work of a decode in bands', () => {
  it.each([512, 1024])('%i²: two passes and what statistics take, less than two and a half times the whole', (side) => {
    const whole = decoder(side, 'exact');
    const tiled = decoder(side, 'tiled');
    expect(tiled.flops / whole.flops).toBeGreaterThan(1.9);
    expect(tiled.flops / whole.flops).toBeLessThan(2.5);
    expect(tiled.dispatches).toBeGreaterThan(whole.dispatches);
  });

  it('stays plannable where the middle attends over 65,536 pixels', () => {
    const { dispatches } = decoder(2048, 'tiled');
    expect(dispatches).toBeLessThan(80_000);
  });

  it('holds at 2048² and 4096² little more than two tensors of the latents’ level, in halves', () => {
    for (const side of [2048, 4096]) {
      const { intermediatesBytes } = decoder(side, 'tiled');
      // What goes into attention and what comes out, and what attention and bands take beside them.
      const level = (side / 8) ** 2 * 512 * (2 + 2);
      expect(intermediatesBytes).toBeGreaterThan(level);
      expect(intermediatesBytes).toBeLessThan(1.18 * level);
    }
  });
});

describe('how a picture is decoded under auto', () => {
  const record = (each: PipelineShape, part: 'unet' | 'vae_decoder'): ReturnType<typeof partGraph> =>
    partGraph(config, each, part);
  const auto = { vae: 'auto', memory: 'low', profile: defaultProfile } as const;

  it('whole where the UNet is the peak, in bands where an adapter refuses the whole', () => {
    const side = shape(1024, 'exact');
    expect(settleVae(side, record, auto)).toBe('exact');
    const limits = { ...defaultProfile.limits, maxBufferSize: 300e6, maxStorageBufferBindingSize: 134217728 };
    expect(settleVae(side, record, { ...auto, profile: { ...defaultProfile, limits } })).toBe('tiled');
  });

  it('in bands where a whole decode would be the peak, in memory mode low only', () => {
    const light = (each: PipelineShape, part: 'unet' | 'vae_decoder'): ReturnType<typeof partGraph> =>
      part === 'unet' ? partGraph(config, each, 'text_encoder') : record(each, part);
    const side = shape(1024, 'exact');
    expect(settleVae(side, light, auto)).toBe('tiled');
    expect(settleVae(side, light, { ...auto, memory: 'resident' })).toBe('exact');
    expect(settleVae(side, light, { ...auto, vae: 'exact' })).toBe('exact');
    expect(settleVae(side, record, { ...auto, vae: 'tiled' })).toBe('tiled');
  });
});
