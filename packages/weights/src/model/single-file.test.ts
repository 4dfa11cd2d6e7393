import { beforeAll, describe, expect, it } from 'vitest';
import { checkpointNames, type ModelNames, type NamedModel } from '../../test/checkpoint-names.js';
import { headerSource, type HeaderTensor } from '../../test/header-source.js';
import { blobSource, layeredSource, openComponent, type Component, type ModelSource } from '../index.js';
import { openCheckpoint } from './single-file.js';

const families = {
  sd15: 'sd1',
  sd21: 'sd2',
  sdxl: 'sdxl',
  'sdxl-refiner': 'sdxl-refiner',
} as const satisfies Partial<Record<NamedModel, string>>;
const official = Object.keys(families) as (keyof typeof families)[];
const path = 'model.safetensors';

let names: Readonly<Record<NamedModel, ModelNames>>;

beforeAll(async () => {
  names = await checkpointNames();
});

/** A single file of a model, changed by adding tensors or, with nothing in their place, leaving some out. */
function fileOf(
  model: NamedModel,
  changes: Readonly<Record<string, HeaderTensor | undefined>> = {},
  options?: Parameters<typeof headerSource>[2],
): Promise<ModelSource> {
  const tensors = Object.entries({ ...names[model].file, ...changes }).filter(([, tensor]) => tensor !== undefined);
  return headerSource(path, Object.fromEntries(tensors) as Record<string, HeaderTensor>, options);
}

/** Leaves out all tensors of a single file that begin so. */
function without(model: NamedModel, start: string): Record<string, undefined> {
  const left = Object.keys(names[model].file).filter((name) => name.startsWith(start));
  return Object.fromEntries(left.map((name) => [name, undefined]));
}

function shapesOf({ entries }: Component): Record<string, readonly number[]> {
  return Object.fromEntries([...entries].map(([name, { shape }]) => [name, shape]));
}

describe('a single-file checkpoint', () => {
  it.each(official)('%s: has every tensor of the layout, by name and shape, and nothing is left', async (name) => {
    const model = await openCheckpoint(await fileOf(name), path);
    expect(model.kind).toMatchObject({ family: families[name], task: 'text-to-image', hasAverages: false });
    expect([...model.parts].sort()).toEqual(Object.keys(names[name].parts).sort());
    for (const [folder, wanted] of Object.entries(names[name].parts)) {
      const component = await openComponent(model, folder);
      expect(shapesOf(component), folder).toEqual(wanted);
      for (const [tensor, entry] of component.entries) expect(entry.name).toBe(tensor);
    }
    const leftOut = Object.entries(names[name].file).filter(([, { of }]) => of.length === 0);
    expect([...model.unused].sort()).toEqual(leftOut.map(([tensor]) => tensor).sort());
  });

  it.each(official)('%s: tells the published configuration from shapes', async (name) => {
    // Stable Diffusion 2.1's published configuration is that of its 768-pixel model, which predicts velocity.
    const prediction = name === 'sd21' ? 'v_prediction' : undefined;
    const model = await openCheckpoint(await fileOf(name), path, { prediction });
    for (const [folder, { transformer_layers_per_block: depths, ...config }] of Object.entries(names[name].configs)) {
      const told = (await model.readJson(`${folder}/config.json`)) as Record<string, unknown>;
      const heads = folder === 'unet' && typeof config['attention_head_dim'] === 'number';
      expect(told, folder).toMatchObject(heads ? { ...config, attention_head_dim: 8 } : config);
      if (folder !== 'unet') continue;
      // One number stands for all levels.
      const levels = (told['block_out_channels'] as number[]).length;
      const [attends, found] = [told['down_block_types'], told['transformer_layers_per_block']] as [string[], number[]];
      const wanted = Array.isArray(depths) ? (depths as number[]) : Array<unknown>(levels).fill(depths ?? 1);
      const counts = (level: number): boolean => attends[level]!.startsWith('Cross') || level === levels - 1;
      expect(found.filter((_, level) => counts(level))).toEqual(wanted.filter((_, level) => counts(level)));
    }
  });

  it('keeps the size of each tensor, wherever its bytes lie', async () => {
    const model = await openCheckpoint(await fileOf('sdxl'), path);
    const ranges: [number, number][] = [];
    for (const folder of model.parts) {
      for (const { shape, begin, end, name, file } of (await openComponent(model, folder)).entries.values()) {
        expect(end - begin, name).toBe(2 * shape.reduce((product, size) => product * size, 1));
        if (file.path === path) ranges.push([begin, end]);
      }
    }
    // No byte serves two tensors.
    ranges.sort(([a], [b]) => a - b);
    for (const [i, [begin]] of ranges.entries()) expect(begin).toBeGreaterThanOrEqual(ranges[i - 1]?.[1] ?? 0);
  });

  it('ignores what training and tools leave behind, and tells what it ignored', async () => {
    const rubbish = {
      betas: { shape: [1000], dtype: 'F32' },
      alphas_cumprod: { shape: [1000], dtype: 'F32' },
      'model_ema.decay': { shape: [], dtype: 'F32' },
      'model_ema.num_updates': { shape: [], dtype: 'I32' },
      'cond_stage_model.transformer.text_model.embeddings.position_ids': { shape: [1, 77], dtype: 'I64' },
      'first_stage_model.loss.logvar': { shape: [] },
      'control_model.input_hint_block.0.weight': { shape: [16, 3, 3, 3] },
      'embedding_manager.embedder.transformer.text_model.embeddings.position_ids': { shape: [1, 77], dtype: 'I64' },
    } as const;
    const model = await openCheckpoint(await fileOf('sd15', rubbish), path);
    expect([...model.unused].sort()).toEqual(Object.keys(rubbish).sort());
    for (const [folder, wanted] of Object.entries(names.sd15.parts)) {
      expect(shapesOf(await openComponent(model, folder))).toEqual(wanted);
    }
  });

  it('takes moving averages when asked to', async () => {
    const unet = Object.entries(names.sd15.file).filter(([name]) => name.startsWith('model.diffusion_model.'));
    const averages = unet.map(([name, { shape }]): [string, HeaderTensor] => [
      `model_ema.${name.slice('model.'.length).replaceAll('.', '')}`,
      { shape, dtype: 'F32' },
    ]);
    const source = await fileOf('sd15', Object.fromEntries(averages));
    const plain = await openCheckpoint(source, path);
    expect(plain.kind.hasAverages).toBe(true);
    expect(plain.unused).toHaveLength(averages.length);
    const dtypes = async (model: ModelSource): Promise<Set<string>> =>
      new Set([...(await openComponent(model, 'unet')).entries.values()].map(({ dtype }) => dtype));
    expect(await dtypes(plain)).toEqual(new Set(['F16']));
    const averaged = await openCheckpoint(source, path, { averages: true });
    expect(await dtypes(averaged)).toEqual(new Set(['F32']));
    expect(shapesOf(await openComponent(averaged, 'unet'))).toEqual(names.sd15.parts['unet']);
    await expect(openCheckpoint(await fileOf('sd15'), path, { averages: true })).rejects.toMatchObject({
      code: 'weights/missing-tensor',
    });
  });

  it.each([
    ['sd15', 9, 'inpaint', 'StableDiffusionInpaintPipeline'],
    ['sd21', 9, 'inpaint', 'StableDiffusionInpaintPipeline'],
    ['sdxl', 9, 'inpaint', 'StableDiffusionXLInpaintPipeline'],
    ['sd15', 8, 'edit', 'StableDiffusionInstructPix2PixPipeline'],
    ['sdxl', 4, 'text-to-image', 'StableDiffusionXLPipeline'],
    ['sdxl-refiner', 4, 'text-to-image', 'StableDiffusionXLImg2ImgPipeline'],
  ] as const)('%s with %i channels is for %s', async (name, channels, task, className) => {
    const [wide] = names[name].parts['unet']!['conv_in.weight']!;
    const convolution = { shape: [wide!, channels, 3, 3] };
    const source = await fileOf(name, { 'model.diffusion_model.input_blocks.0.0.weight': convolution });
    const model = await openCheckpoint(source, path);
    expect(model.kind.task).toBe(task);
    expect(await model.readJson('model_index.json')).toMatchObject({ _class_name: className });
    expect(await model.readJson('unet/config.json')).toMatchObject({ in_channels: channels, out_channels: 4 });
    expect((await openComponent(model, 'unet')).entries.get('conv_in.weight')).toMatchObject(convolution);
  });

  const bias = 'model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias';
  const spread = (size: number) => Float32Array.from({ length: 320 }, (_, i) => (i % 2 === 0 ? size : -size));
  it.each<[string, NamedModel, Parameters<typeof fileOf>[1], Parameters<typeof fileOf>[2], object]>([
    ['as nearly all do', 'sdxl', {}, {}, { prediction: 'epsilon', zeroTerminalSnr: false }],
    ['by a mark', 'sdxl', { v_pred: { shape: [] } }, {}, { prediction: 'v_prediction', zeroTerminalSnr: false }],
    [
      'by two marks',
      'sdxl',
      { v_pred: { shape: [] }, ztsnr: { shape: [] } },
      {},
      { prediction: 'v_prediction', zeroTerminalSnr: true },
    ],
    ['by metadata', 'sd15', {}, { metadata: { 'modelspec.prediction_type': 'v' } }, { prediction: 'v_prediction' }],
    [
      'of SD 2 by how a bias spreads',
      'sd21',
      { [bias]: { shape: [320], dtype: 'F32' } },
      { floats: { [bias]: spread(0.12) } },
      { prediction: 'v_prediction' },
    ],
    [
      'of SD 2 where it spreads less',
      'sd21',
      { [bias]: { shape: [320], dtype: 'F32' } },
      { floats: { [bias]: spread(0.05) } },
      { prediction: 'epsilon' },
    ],
  ])('tells what it predicts %s', async (_, name, changes, options, kind) => {
    const model = await openCheckpoint(await fileOf(name, changes, options), path);
    expect(model.kind).toMatchObject(kind);
    const { prediction, zeroTerminalSnr } = model.kind;
    const scheduler = (await model.readJson('scheduler/scheduler_config.json')) as Record<string, unknown>;
    expect(scheduler['prediction_type']).toBe(prediction);
    expect(scheduler['rescale_betas_zero_snr']).toBe(zeroTerminalSnr || undefined);
    // What is said counts, whatever the file tells.
    for (const said of ['epsilon', 'v_prediction'] as const) {
      const overruled = await openCheckpoint(await fileOf(name, changes, options), path, { prediction: said });
      expect(overruled.kind.prediction).toBe(said);
      expect(overruled.kind.reasons.join()).toContain(`${said}: as was said`);
    }
  });

  it('takes files that are given in the place of its own, and others as it makes them', async () => {
    const config = blobSource(
      new Map([
        ['unet/config.json', new Blob(['{"sample_size": 7}'])],
        ['pleinair.json', new Blob(['{"steps": 3}'])],
        ['unet/diffusion_pytorch_model.safetensors', new Blob(['not read'])],
      ]),
    );
    const model = await openCheckpoint(await fileOf('sdxl'), path, { config });
    expect(await model.readJson('unet/config.json')).toEqual({ sample_size: 7 });
    expect(await model.readJson('pleinair.json')).toEqual({ steps: 3 });
    expect(await model.exists('unet/diffusion_pytorch_model.safetensors')).toBe(false);
    expect(await model.readJson('vae/config.json')).toMatchObject({ scaling_factor: 0.13025 });
    expect(await openComponent(model, 'unet')).toMatchObject({ name: 'unet' });
  });

  it("brings CLIP's tokenizers, filled up as each encoder was trained", async () => {
    const model = await openCheckpoint(await fileOf('sdxl'), path);
    for (const [folder, pad] of [
      ['tokenizer', '<|endoftext|>'],
      ['tokenizer_2', '!'],
    ]) {
      const config = await model.readJson(`${folder}/tokenizer_config.json`);
      expect(config).toMatchObject({ pad_token: pad, model_max_length: 77, tokenizer_class: 'CLIPTokenizer' });
      expect(Object.keys((await model.readJson(`${folder}/vocab.json`)) as object)).toHaveLength(49_408);
      expect((await model.readText(`${folder}/merges.txt`)).split('\n')).toHaveLength(48_896);
    }
    expect(await (await openCheckpoint(await fileOf('sdxl-refiner'), path)).exists('tokenizer/vocab.json')).toBe(false);
  });

  it('says which part is missing, and takes it from a model behind', async () => {
    const bare = await openCheckpoint(await fileOf('sdxl', without('sdxl', 'first_stage_model.')), path);
    expect(bare.parts).toEqual(['text_encoder', 'text_encoder_2', 'unet']);
    await expect(openComponent(bare, 'vae')).rejects.toThrow(/the VAE: expected first_stage_model\.\* in .*load\(\[/);
    await expect(openComponent(bare, 'vae')).rejects.toMatchObject({ code: 'weights/missing-file' });
    await expect(bare.readJson('vae/config.json')).rejects.toMatchObject({ code: 'weights/missing-file' });
    const whole = await openCheckpoint(await fileOf('sdxl'), path);
    const both = layeredSource([bare, whole]);
    expect(shapesOf(await openComponent(both, 'vae'))).toEqual(names.sdxl.parts['vae']);
    expect(await both.readJson('vae/config.json')).toMatchObject({ latent_channels: 4 });
    expect(shapesOf(await openComponent(both, 'unet'))).toEqual(names.sdxl.parts['unet']);
  });

  it.each<[string, RegExp, NamedModel, (model: NamedModel) => Record<string, HeaderTensor | undefined>]>([
    ['a LoRA', /what seems to be a LoRA/, 'sd15', () => ({ 'lora_unet_mid.lora_down.weight': { shape: [4, 4] } })],
    [
      'a VAE',
      /what seems to be a VAE alone/,
      'sd15',
      () => ({ 'first_stage_model.encoder.conv_in.weight': { shape: [1] } }),
    ],
    [
      'a UNet of diffusers',
      /UNet in diffusers layout/,
      'sd15',
      () => ({ 'down_blocks.0.resnets.0.conv1.bias': { shape: [4] } }),
    ],
    [
      'Flux',
      /diffusion transformer/,
      'sd15',
      () => ({ 'model.diffusion_model.double_blocks.0.img_mod.bias': { shape: [4] } }),
    ],
    ['a text file of numbers', /1 tensors without \(weight\)/, 'sd15', () => ({ weight: { shape: [4] } })],
  ])('refuses %s, saying what it seems to be', async (_, message, model, made) => {
    const source = await headerSource(path, made(model) as Record<string, HeaderTensor>);
    await expect(openCheckpoint(source, path)).rejects.toThrow(message);
    await expect(openCheckpoint(source, path)).rejects.toMatchObject({ code: 'weights/unknown-checkpoint' });
  });

  it.each<[string, RegExp, NamedModel, Record<string, HeaderTensor>]>([
    [
      'depth models',
      /4, 8 or 9/,
      'sd21',
      { 'model.diffusion_model.input_blocks.0.0.weight': { shape: [320, 5, 3, 3] } },
    ],
    ['unCLIP', /without label_emb/, 'sd21', { 'model.diffusion_model.label_emb.0.0.weight': { shape: [1280, 2048] } }],
    ['models of EDM', /EDM/, 'sdxl', { edm_mean: { shape: [1, 4, 1, 1] } }],
    [
      'fused rows that are no thirds',
      /rows/,
      'sd21',
      { 'cond_stage_model.model.transformer.resblocks.0.attn.in_proj_bias': { shape: [1000] } },
    ],
  ])('refuses %s', async (_, message, name, changes) => {
    const source = await fileOf(name, changes);
    await expect(openCheckpoint(source, path)).rejects.toThrow(message);
    await expect(openCheckpoint(source, path)).rejects.toMatchObject({ code: 'weights/unknown-checkpoint' });
  });
});
