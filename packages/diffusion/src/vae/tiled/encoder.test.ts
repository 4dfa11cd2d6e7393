import { defaultProfile, planProgram, type ProgramPlan } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { readVaeConfig } from '../config.js';
import { encoderGraph } from '../encoder-graph.js';
import { encoderLag, encoderSizes } from './encoder-sizes.js';
import { tiledEncoderGraph, tiledEncoderSegments, type TiledEncoder } from './encoder-graph.js';

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

/** Operations of a run, its segments by bands run so many times. */
function flops({ segments }: ProgramPlan, bands: number): number {
  return segments.reduce((sum, { name, nodes }) => {
    const runs = tiledEncoderSegments.some((s) => s.byBands && s.name === name) ? bands : 1;
    return sum + runs * nodes.flatMap(({ dispatches }) => dispatches).reduce((all, d) => all + d.flops, 0);
  }, 0);
}

describe('an encode in bands, 128 to 512 channels', () => {
  it.each([
    ['512², f16', halves, 64, 29e6],
    ['512², f32', floats, 64, 42e6],
    ['1024², f16', halves, 128, 68e6],
    ['1024², f32', floats, 128, 84e6],
  ] as const)('%s: memory, and at most 2.2 times the work of a whole one', (_, config, side, most) => {
    const plan = planned(config, side);
    expect(plan.intermediatesBytes).toBeLessThanOrEqual(most);
    // The picture lies beside the arena, padded to four channels.
    const image = (side * 8) ** 2 * 4 * (config.forceUpcast ? 4 : 2);
    expect(plan.persistentBytes).toBeGreaterThan(image);
    expect(plan.persistentBytes).toBeLessThan(image + 1.4e6);
    const whole = planProgram(
      encoderGraph(config, { batch: 1, height: side, width: side, dtype: 'f16' }),
      defaultProfile,
    );
    expect(flops(plan, plan.bands)).toBeLessThan(2.2 * flops(whole, 1));
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
