import { defaultProfile, planProgram, type ProgramPlan } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { readVaeConfig } from '../config.js';
import { encoderGraph } from '../encoder-graph.js';
import { encoderLag, encoderSizes } from './encoder-sizes.js';
import { tiledEncoderGraph, type TiledEncoder } from './encoder-graph.js';

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

function planned(config: typeof halves, side: number): ProgramPlan & Pick<TiledEncoder, 'bands' | 'sizes'> {
  const { graph, ...rest } = tiledEncoderGraph(config, { height: side, width: side, dtype: 'f16' });
  return { ...planProgram(graph, defaultProfile), ...rest };
}

/** Operations of a run, every segment as often as it runs. */
function flops({ graph, segments }: ProgramPlan): number {
  return segments.reduce((sum, segment) => sum + graph.timesOf(segment.name) * segment.flops, 0);
}

describe('an encode in bands, 128 to 512 channels', () => {
  it.each([
    ['512², f16', halves, 64, 42e6],
    ['512², f32', floats, 64, 42e6],
    ['1024², f16', halves, 128, 60e6],
    ['1024², f32', floats, 128, 62e6],
  ] as const)('%s: memory, and at most 2.3 times the work of a whole one', (_, config, side, most) => {
    const plan = planned(config, side);
    expect(plan.intermediatesBytes).toBeLessThanOrEqual(most);
    // The picture lies beside the arena, padded to four channels.
    const image = (side * 8) ** 2 * 4 * (config.forceUpcast ? 4 : 2);
    expect(plan.persistentBytes).toBeGreaterThan(image);
    // And so do latents, statistics and uniform blocks.
    expect(plan.persistentBytes).toBeLessThan(image + 0.9e6 + side ** 2 * 32);
    const whole = planProgram(
      encoderGraph(config, { batch: 1, height: side, width: side, dtype: 'f16' }),
      defaultProfile,
    );
    expect(flops(plan)).toBeLessThan(2.3 * flops(whole));
  });

  it.each([
    ['2048²', 256, 158e6],
    ['4096²', 512, 580e6],
  ] as const)('%s, f32: what a decode in bands takes', (_, side, most) => {
    expect(planned(floats, side).intermediatesBytes).toBeLessThanOrEqual(most);
  });

  it('ends each pass with the last row, and no band is all waste', () => {
    for (const [config, side] of [
      [halves, 64],
      [floats, 128],
      [{ ...halves, layersPerBlock: 1, normGroups: 6, channels: [24, 48, 96, 96] }, 40],
    ] as const) {
      const { sizes, bands } = planned(config, side);
      const rows = sizes.rows / 8;
      expect(bands * rows).toBeGreaterThanOrEqual(side + encoderLag(config));
      expect((bands - 1) * rows).toBeLessThan(side + encoderLag(config));
    }
    expect(encoderLag(halves)).toBe(5);
  });

  it('has a copy that halves as often as the picture, never larger than it', () => {
    expect(encoderSizes(floats, 3, 5, 4).copy).toEqual({ height: 24, width: 40 });
    expect(encoderSizes(floats, 1, 500, 4).copy).toEqual({ height: 8, width: 192 });
    expect(encoderSizes(halves, 64, 48, 2).copy).toEqual({ height: 192, width: 144 });
    expect(encoderSizes(floats, 1000, 4000, 4).rows).toBe(8);
  });
});
