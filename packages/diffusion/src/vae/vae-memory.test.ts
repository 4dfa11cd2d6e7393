import { defaultProfile, Graph, planProgram, WeightScope } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { decoderGraph } from './decoder-graph.js';
import { readVaeConfig } from './config.js';
import { vaeEncoder } from './encoder.js';

/** Stable Diffusion 1.5's and, but for the scale, SDXL's. */
const json = {
  act_fn: 'silu',
  block_out_channels: [128, 256, 512, 512],
  layers_per_block: 2,
  norm_num_groups: 32,
  latent_channels: 4,
  out_channels: 3,
};
const halves = readVaeConfig({ ...json, force_upcast: false });
const floats = readVaeConfig({ ...json, force_upcast: true });

describe('intermediates of a whole picture, 128 to 512 channels', () => {
  it('decoder, 512²: three times the finest level at 128 channels, in f16 and f32', () => {
    const bytes = (config: typeof halves): number =>
      planProgram(decoderGraph(config, { batch: 1, height: 64, width: 64, dtype: 'f16' }), defaultProfile)
        .intermediatesBytes;
    const plane = 512 * 512 * 128;
    expect(bytes(halves)).toBeGreaterThanOrEqual(3 * plane * 2);
    expect(bytes(halves)).toBeLessThanOrEqual(205e6);
    expect(bytes(floats)).toBeLessThanOrEqual(2 * 205e6);
  });

  it('encoder, 512²: twice the finest level', () => {
    const g = new Graph('encoder', { dtype: 'f16' });
    g.segment('encode');
    g.output('moments', vaeEncoder(g, new WeightScope(g), halves, g.input('image', [1, 512, 512, 3])));
    const plane = 512 * 512 * 128 * 2;
    expect(planProgram(g, defaultProfile).intermediatesBytes).toBeLessThanOrEqual(2.1 * plane);
  });
});
