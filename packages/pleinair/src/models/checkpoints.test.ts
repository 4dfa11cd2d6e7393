import { denoiserGraph, readUNetConfig, readVaeConfig, vaeDecoderGraph, vaeEncoder } from '@pleinair/diffusion';
import { Graph, WeightScope } from '@pleinair/tensor';
import { readTextEncoderConfig, textEncoderGraph } from '@pleinair/text';
import { openCheckpoint, openComponent, type CheckpointModel, type Component } from '@pleinair/weights';
import { describe, expect, it } from 'vitest';
import { checkpointNames, type NamedModel } from '../../../weights/test/checkpoint-names.js';
import { headerSource } from '../../../weights/test/header-source.js';
import { describeModel, describePreset } from './registry.js';

const names = await checkpointNames();
const path = 'model.safetensors';

async function singleFile(name: NamedModel, channels = 4): Promise<CheckpointModel> {
  const [width] = names[name].parts['unet']!['conv_in.weight']!;
  const convolution = { 'model.diffusion_model.input_blocks.0.0.weight': { shape: [width!, channels, 3, 3] } };
  return openCheckpoint(await headerSource(path, { ...names[name].file, ...convolution }), path);
}

async function json(model: CheckpointModel, file: string): Promise<Record<string, unknown>> {
  return (await model.readJson(file)) as Record<string, unknown>;
}

function shapesOf({ entries }: Component): Record<string, readonly number[]> {
  return Object.fromEntries([...entries].map(([name, { shape }]) => [name, shape]));
}

function weightsOf(...graphs: readonly Graph[]): Record<string, readonly number[]> {
  return Object.fromEntries(graphs.flatMap(({ weights }) => weights.map(({ source }) => [source.name, source.shape])));
}

describe.each(['sd15', 'sd21', 'sdxl', 'sdxl-refiner'] as const)('a single file of %s', (name) => {
  it('feeds every weight of every graph, and no tensor is left', async () => {
    const model = await singleFile(name);
    for (const folder of model.parts.filter((part) => part.startsWith('text_encoder'))) {
      const config = readTextEncoderConfig(await json(model, `${folder}/config.json`));
      const pooled = config.projectionDim !== undefined;
      const graph = textEncoderGraph(config, { batch: 1, skipLayers: 0, pooled, finalNorm: true, dtype: 'f16' });
      expect(weightsOf(graph), folder).toEqual(shapesOf(await openComponent(model, folder)));
    }
    const unet = readUNetConfig(await json(model, 'unet/config.json'));
    const shape = { pictures: 1, guided: false, halves: 'together' } as const;
    const solver = { slots: 0, drawsNoise: false, evaluations: 1 };
    const size = { height: 8, width: 8, tokens: 77 };
    const times = name === 'sdxl-refiner' ? 5 : 6;
    const denoiser = denoiserGraph(unet, { ...shape, ...solver, ...size, dtype: 'f16' }, times);
    expect(weightsOf(denoiser)).toEqual(shapesOf(await openComponent(model, 'unet')));

    const vae = readVaeConfig(await json(model, 'vae/config.json'));
    const encoder = new Graph('encoder', { dtype: 'f16' });
    encoder.segment('encode');
    vaeEncoder(encoder, new WeightScope(encoder), vae, encoder.input('image', [1, 64, 64, 3]));
    const decoder = vaeDecoderGraph(vae, {
      ...shape,
      width: 64,
      height: 64,
      chunks: 1,
      precision: 'f16',
      solver,
      vae: 'exact',
    });
    expect(weightsOf(encoder, decoder)).toEqual(shapesOf(await openComponent(model, 'vae')));
  });

  it('with 9 channels differs in its first convolution only', async () => {
    const [plain, inpaint] = [await singleFile(name), await singleFile(name, 9)];
    const [width] = names[name].parts['unet']!['conv_in.weight']!;
    expect(shapesOf(await openComponent(inpaint, 'unet'))).toEqual({
      ...shapesOf(await openComponent(plain, 'unet')),
      'conv_in.weight': [width, 9, 3, 3],
    });
    expect(readUNetConfig(await json(inpaint, 'unet/config.json'))).toEqual({
      ...readUNetConfig(await json(plain, 'unet/config.json')),
      inChannels: 9,
    });
  });
});

it.each([
  ['sd15', 'sd15'],
  ['sdxl', 'sdxl-base'],
] as const)('a single file of %s is described as the preset %s is', async (name, preset) => {
  const model = await describeModel(await singleFile(name));
  const wanted = describePreset(preset)!;
  expect(model).toMatchObject({ defaults: wanted.defaults, partFolders: wanted.partFolders });
  expect(model.scheduler).toMatchObject(wanted.scheduler);
  for (const part of Object.keys(wanted.partFolders)) expect(model.tensorsOf(part)).toEqual(wanted.tensorsOf(part));
});

it.each([
  ['sd15', 4],
  ['sd15', 9],
  ['sd21', 4],
  ['sd21', 9],
  ['sdxl', 4],
  ['sdxl', 9],
  ['sdxl-refiner', 4],
] as const)('a single file of %s with %i channels is a model whose every part is there', async (name, channels) => {
  const source = await singleFile(name, channels);
  const model = await describeModel(source);
  for (const [part, folder] of Object.entries(model.partFolders)) {
    const shapes = shapesOf(await openComponent(source, folder));
    for (const { name: tensor, shape } of model.tensorsOf(part)) expect(shapes[tensor], tensor).toEqual(shape);
  }
});
