import { defaultProfile, planProgram, type DeviceProfile, type ProgramPlan } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { readVaeConfig } from '../config.js';
import { decoderGraph } from '../decoder-graph.js';
import { bandSizes, decoderLag } from './band-sizes.js';
import { tiledDecoderGraph, type TiledDecoder } from './decoder-graph.js';
import { levelSizes } from './level-sizes.js';

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
/** As the demo model's. */
const narrow: typeof halves = { ...halves, layersPerBlock: 1, normGroups: 6, channels: [24, 48, 96, 96] };

function planned(config: typeof halves, side: number): ProgramPlan & Pick<TiledDecoder, 'bands' | 'sizes'> {
  const { graph, ...rest } = tiledDecoderGraph(config, { height: side, width: side, dtype: 'f16' });
  return { ...planProgram(graph, defaultProfile), ...rest };
}

describe('memory of a decode in bands, 128 to 512 channels, all that outlives a band counted', () => {
  it.each([
    ['512², f16', halves, 64, 38e6],
    ['512², f32', floats, 64, 50e6],
    ['1024², f16', halves, 128, 64e6],
    ['1024², f32', floats, 128, 72e6],
    ['2048², f32', floats, 256, 176e6],
    ['3072², f32', floats, 384, 375e6],
    ['4096², f32', floats, 512, 665e6],
  ] as const)('%s', (_, config, side, most) => {
    const plan = planned(config, side);
    // What lives beside the arena: the latents, the picture, statistics and uniform blocks.
    expect(plan.intermediatesBytes + plan.persistentBytes).toBeLessThanOrEqual(most);
    expect(plan.persistentBytes).toBeGreaterThan((side * 8) ** 2 * 4);
  });

  it('two halves a value of the latents’ level are all that grows with large pictures, beside a few lines', () => {
    const [small, large] = [planned(floats, 256), planned(floats, 512)].map((plan) => plan.intermediatesBytes);
    const values = 512 * (512 ** 2 - 256 ** 2);
    expect(large! - small!).toBeLessThan(1.1 * 2 * 2 * values);
  });

  it('one place in the arena for what is held, in every segment that runs while it is', () => {
    const plan = planned(halves, 64);
    const pictures = [...plan.graph.held].filter(({ shape }) => shape.join() === '1,64,64,512');
    // What goes into attention, and what comes out.
    expect(pictures).toHaveLength(2);
    for (const picture of pictures) {
      const places = plan.segments.map(({ offsets }) => offsets.get(picture)).filter((at) => at !== undefined);
      expect(places.length).toBeGreaterThan(1);
      expect(new Set(places).size).toBe(1);
      expect(plan.persistent).not.toContain(picture);
    }
  });
});

/** Work really done in a decode, every segment as often as it runs. */
function work({ graph, segments }: ProgramPlan): number {
  return segments.reduce((sum, { name, executedFlops }) => sum + graph.timesOf(name) * executedFlops, 0);
}

describe('work of a decode in bands, beside that of a whole one', () => {
  const software: DeviceProfile = {
    ...defaultProfile,
    isSoftware: true,
    features: { ...defaultProfile.features, subgroups: true },
    subgroupMinSize: 8,
    subgroupMaxSize: 8,
  };
  // Without a tuner, Winograd's algorithm is taken on software adapters only; there both ways have to take it.
  it.each([
    ['gpu', '1024², f32', defaultProfile, floats, 128],
    ['software', '512², f16', software, halves, 64],
    ['software', '1024², f32', software, floats, 128],
    ['software', '256², narrow', software, narrow, 32],
  ] as const)('on %s, %s: at most 2.8 times, and no more memory', (_name, _size, profile, config, side) => {
    const shape = { height: side, width: side, dtype: 'f16' } as const;
    const options = { transformedWeights: config === narrow };
    const tiled = planProgram(tiledDecoderGraph(config, shape).graph, profile, options);
    const whole = planProgram(decoderGraph(config, { ...shape, batch: 1 }), profile, options);
    expect(work(tiled) / work(whole)).toBeLessThan(2.8);
    expect(tiled.intermediatesBytes + tiled.persistentBytes).toBeLessThanOrEqual(side === 128 ? 92e6 : 64e6);
    const transforms = (plan: ProgramPlan): boolean => plan.kernelKeys.some((key) => key.startsWith('winograd'));
    expect([transforms(tiled), transforms(whole)]).toEqual([profile.isSoftware, profile.isSoftware]);
  });
});

describe('sizes of bands', () => {
  it('the last layer lags as the graph says, and the bands reach the last row', () => {
    for (const [config, side] of [
      [halves, 64],
      [floats, 128],
      [narrow, 40],
    ] as const) {
      const { sizes, bands } = planned(config, side);
      expect(bands * sizes.rows).toBeGreaterThanOrEqual(side * 8 + decoderLag(config));
      // No band is all waste.
      expect((bands - 1) * sizes.rows).toBeLessThan(side * 8 + decoderLag(config));
    }
    expect(decoderLag(halves)).toBe(46);
  });

  it('the steps run every segment as often as the plan counts', () => {
    const { graph, steps } = tiledDecoderGraph(floats, { height: 96, width: 160, dtype: 'f16' });
    for (const { name } of graph.segments) {
      expect(steps.filter(({ segment }) => segment === name)).toHaveLength(graph.timesOf(name));
    }
  });

  it('blocks of queries and keys cover a level once, and a level is kept in halves where it is large', () => {
    for (const [height, width, channels] of [
      [128, 128, 512],
      [125, 33, 512],
      [1, 4000, 512],
      [9, 7, 12],
    ] as const) {
      const { rows, queryRows, keyRows, halves: coded } = levelSizes({ height, width, channels }, 'f32');
      for (const each of [queryRows, keyRows]) {
        expect(each).toBeGreaterThan(0);
        expect((Math.ceil(height / each) - 1) * each).toBeLessThan(height);
      }
      expect(rows % 2).toBe(0);
      expect(coded).toBe(height * width * channels * 4 > 16e6);
    }
    expect(levelSizes({ height: 512, width: 512, channels: 512 }, 'f16').halves).toBe(false);
  });

  it('bands have two rows at every level, however wide the picture', () => {
    expect(bandSizes(floats, 1000, 4000, 4).rows).toBe(8);
  });
});
