import {
  addedEmbedding,
  TimeProjections,
  readUNetConfig,
  readVaeConfig,
  unet,
  vaeDecoder,
  vaeEncoder,
} from '@pleinair/diffusion';
import { Graph, WeightScope, type PlanOptions, type Program, type Tensor } from '@pleinair/tensor';
import { relativeRms } from '@pleinair/testing';
import { pooledPosition, readTextEncoderConfig, textEncoderGraph } from '@pleinair/text';
import { describe, expect, it } from 'vitest';
import { channelsLast, limits, programFor, tinyGoldens, tinySource } from './tiny-model.js';

type Json = Record<string, unknown>;
const goldens = await tinyGoldens();
const config = async (part: string): Promise<Json> => (await tinySource().readJson(`${part}/config.json`)) as Json;

/** Every 3×3 convolution that can be done so by one of Winograd's variants, or by the direct kernel. */
function withConvolutions(variant: string): PlanOptions {
  return {
    scratchBytes: 2 ** 22,
    transformedWeights: true,
    pick: (shape, variants) => (shape.startsWith('conv 3x3') ? variants.find((v) => v === variant) : undefined),
  };
}

function expectConvolutions(program: Program, variant: string): void {
  const [family] = variant.split('-');
  const took = program.plan.kernelKeys.some((key) => key.startsWith(`${family}/`));
  expect(took).toBe(variant.startsWith('winograd'));
}

describe.each(['f32', 'f16'] as const)('parts of a tiny SDXL against diffusers, %s', (dtype) => {
  const limit = limits[dtype].part;

  it.each(['text_encoder', 'text_encoder_2'] as const)('%s', async (part) => {
    const parsed = readTextEncoderConfig(await config(part));
    const pooled = part === 'text_encoder_2';
    const program = await programFor(textEncoderGraph(parsed, { batch: 2, skipLayers: 1, pooled, dtype }), part);
    const ids = Uint32Array.from(goldens.tensor('input_ids').data as Int32Array);
    program.write('input_ids', ids);
    if (pooled) {
      program.write(
        'pooled_positions',
        Uint32Array.of(pooledPosition(parsed, ids.subarray(0, 77)), pooledPosition(parsed, ids.subarray(77))),
      );
    }
    await program.run('encode');
    expect(
      relativeRms((await program.read('hidden_states')) as Float32Array, goldens.floats(`${part}.hidden`)),
    ).toBeLessThan(limit);
    if (pooled) {
      expect(
        relativeRms((await program.read('text_embeds')) as Float32Array, goldens.floats(`${part}.pooled`)),
      ).toBeLessThan(limit);
    }
    program.dispose();
  });

  it.each([
    ['even', 'columns16x32'],
    ['odd', 'columns16x32'],
    ['odd', 'winograd2'],
    ['even', 'winograd4-sliced'],
    ['odd', 'winograd4-loaded'],
  ])('unet at %s latents, batch 2, convolutions as %s', async (name, variant) => {
    const parsed = readUNetConfig(await config('unet'));
    const { shape, data } = goldens.tensor(`unet.${name}.sample`);
    const [batch, channels, height, width] = shape as [number, number, number, number];
    const g = new Graph('unet', { dtype });
    const scope = new WeightScope(g);
    g.segment('prompt');
    g.segment('schedule');
    g.segment('step');
    const states = g.input('states', [batch, 77, 32]);
    const pooled = g.input('pooled', [batch, 14], 'f32');
    const timeIds = g.input('time_ids', [batch, 6], 'f32');
    const evaluations = 3;
    const timesteps = g.input('timesteps', [batch * evaluations, 1], 'f32');
    const evaluation = g.input('evaluation', [batch], 'u32');
    const sample = g.input('sample', [batch, height, width, channels]);
    const added: Tensor = g.within('prompt', () => addedEmbedding(g, scope, parsed, pooled, timeIds));
    g.output(
      'out',
      unet(g, scope, parsed, {
        sample,
        time: new TimeProjections(g, scope, parsed, {
          timesteps,
          evaluation,
          batch,
          evaluations,
          added,
          segment: 'schedule',
          suffix: '',
        }),
        context: { states, segment: 'prompt', suffix: '' },
      }),
    );
    const program = await programFor(g, 'unet', withConvolutions(variant));
    program.write('states', goldens.floats('unet.embeds') as Float32Array<ArrayBuffer>);
    program.write('pooled', goldens.floats('unet.pooled') as Float32Array<ArrayBuffer>);
    program.write('time_ids', goldens.floats('unet.time_ids') as Float32Array<ArrayBuffer>);
    // The golden's evaluation between two others.
    const wanted = goldens.floats(`unet.${name}.timestep`)[0]!;
    program.write('timesteps', Float32Array.from(Array.from({ length: batch }, () => [999, wanted, 1]).flat()));
    program.write('evaluation', new Uint32Array(batch).fill(1));
    program.write('sample', channelsLast(data as Float32Array, shape));
    await program.run('prompt');
    await program.run('schedule');
    await program.run('step');
    const golden = goldens.tensor(`unet.${name}.out`);
    const expected = channelsLast(golden.data as Float32Array, golden.shape);
    expect(relativeRms((await program.read('out')) as Float32Array, expected)).toBeLessThan(limit);
    expectConvolutions(program, variant);
    // The figures of the plan are the figures of the run.
    const { memory, plan } = program;
    expect(memory.weightsBytes).toBe(plan.weightsBytes);
    expect(memory.intermediatesBytes).toBe(plan.intermediatesBytes);
    expect(memory.persistentBytes).toBe(plan.persistentBytes);
    expect(memory.pipelines).toBe(plan.pipelines);
    expect(memory.dispatches).toBe(plan.segments.reduce((sum, s) => sum + s.dispatches, 0));
    program.dispose();
  });

  it.each(['columns16x32', 'winograd4', 'winograd6-sliced'])(
    'vae decoder, batch 2, convolutions as %s',
    async (variant) => {
      const parsed = readVaeConfig(await config('vae'));
      const { shape, data } = goldens.tensor('vae.latents');
      const [batch, channels, height, width] = shape as [number, number, number, number];
      const g = new Graph('decoder', { dtype });
      g.segment('run');
      const latents = g.input('latents', [batch, height, width, channels]);
      g.output('out', vaeDecoder(g, new WeightScope(g), parsed, latents));
      const program = await programFor(g, 'vae', withConvolutions(variant));
      expectConvolutions(program, variant);
      program.write(
        'latents',
        channelsLast(data as Float32Array, shape).map((v) => v / parsed.scalingFactor),
      );
      await program.run('run');
      const golden = goldens.tensor('vae.decoded');
      const expected = channelsLast(golden.data as Float32Array, golden.shape);
      expect(relativeRms((await program.read('out')) as Float32Array, expected)).toBeLessThan(limit);
      program.dispose();
    },
  );

  it('vae encoder, batch 2', async () => {
    const parsed = readVaeConfig(await config('vae'));
    const { shape, data } = goldens.tensor('vae.image');
    const [batch, channels, height, width] = shape as [number, number, number, number];
    const g = new Graph('encoder', { dtype });
    g.segment('run');
    const image = g.input('image', [batch, height, width, channels]);
    g.output('out', vaeEncoder(g, new WeightScope(g), parsed, image));
    const program = await programFor(g, 'vae');
    program.write('image', channelsLast(data as Float32Array, shape));
    await program.run('run');
    const golden = goldens.tensor('vae.moments');
    const expected = channelsLast(golden.data as Float32Array, golden.shape);
    expect(relativeRms((await program.read('out')) as Float32Array, expected)).toBeLessThan(limit);
    program.dispose();
  });
});
