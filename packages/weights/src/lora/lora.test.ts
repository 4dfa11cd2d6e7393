import { fileURLToPath } from 'node:url';
import { linearTarget, tinyTargets } from '../../test/lora-targets.js';
import { describe, expect, it } from 'vitest';
import { failureOf as weightFailureOf, floats, modelOf, safetensorsFile } from '../../test/fixtures.js';
import { folderSource } from '../node.js';
import { AdapterError, openEmbedding, openLora, type Lora } from './index.js';
import { dense } from './low-rank.js';

const folder = folderSource(fileURLToPath(new URL('../../../testing/goldens/tiny-sdxl-lora', import.meta.url)));
const targets = await tinyTargets();
const open = (form: string): Promise<Lora> => openLora(folder, `${form}.safetensors`, targets);

async function changes(lora: Lora): Promise<Map<string, Float32Array>> {
  const all = new Map<string, Float32Array>();
  for (const [part, modules] of lora.modules) {
    for (const [tensor, module] of modules) {
      const change = await module.read();
      const [rows, ...inner] = module.target.shape as [number, ...number[]];
      const out = new Float32Array(rows * inner.reduce((a, b) => a * b, 1));
      // In two goes, as bands come.
      const half = Math.floor(rows / 2);
      change.addRows(out.subarray(0, half * (out.length / rows)), 0, half, 0.5);
      change.addRows(out.subarray(half * (out.length / rows)), half, rows - half, 0.5);
      all.set(`${part}/${tensor}`, out);
    }
  }
  return all;
}

async function failureOf(operation: Promise<unknown>): Promise<AdapterError> {
  const error = await operation.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof AdapterError) return error;
  throw error instanceof Error ? error : new Error('expected an AdapterError, got success');
}

describe('openLora', () => {
  it.each(['original', 'peft', 'old-diffusers'])(
    'finds the same changes in the form %s as in kohya’s',
    async (form) => {
      const [expected, got] = [await open('kohya'), await open(form)];
      expect(got.notes).toEqual([]);
      expect([...got.modules.keys()].sort()).toEqual(['text_encoder', 'text_encoder_2', 'unet']);
      const [ours, theirs] = [await changes(got), await changes(expected)];
      expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort());
      for (const [name, values] of theirs) expect(ours.get(name), name).toEqual(values);
      expect([...theirs.values()].every((values) => values.some((value) => value !== 0))).toBe(true);
    },
  );

  it('gives low-rank products equal to the changes, LoHa as one of rank r², LoKr none', async () => {
    const lora = await open('lycoris');
    const kinds = new Map<string, number>();
    for (const module of lora.modules.get('unet')!.values()) {
      kinds.set(module.kind, (kinds.get(module.kind) ?? 0) + 1);
      const change = await module.read();
      const product = change.product?.();
      expect(product?.rank).toBe(module.rank);
      expect(module.kind === 'lokr').toBe(product === undefined);
      if (!product) continue;
      const rows = module.target.shape[0]!;
      const direct = new Float32Array((product.up.length / product.rank) * (product.down.length / product.rank));
      change.addRows(direct, 0, rows, 1);
      const multiplied = dense(product);
      for (const [i, value] of direct.entries()) expect(multiplied[i]).toBeCloseTo(value, 5);
    }
    expect(Object.fromEntries(kinds)).toEqual({ loha: 2, lokr: 3, lora: 1 });
  });

  const pair = (name: string, n: number, k: number, rank = 2) => [
    floats(`${name}.lora_down.weight`, [rank, k]),
    floats(`${name}.lora_up.weight`, [n, rank]),
  ];
  const opened = async (
    tensors: Parameters<typeof safetensorsFile>[0],
    metadata?: Record<string, string>,
    of = targets,
  ) => openLora(modelOf({ 'x.safetensors': await safetensorsFile(tensors, metadata) }), 'x.safetensors', of);
  const known = 'lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q';

  it('lists keys that name nothing with the nearest that would', async () => {
    const { notes } = await opened([
      ...pair(known, 20, 20),
      ...pair(known.replace('attentions_0', 'attentions_7'), 20, 20),
    ]);
    expect(notes).toHaveLength(1);
    expect(notes[0]).toMatch(
      /1 of 2 modules name nothing.*attentions_7.*\(the nearest is lora_unet_down_blocks_1_attentions_/,
    );
    const none = await failureOf(opened(pair('lora_unet_double_blocks_0_img_attn_qkv', 20, 20)));
    expect(none.code).toBe('lora/no-match');
  });

  it('refuses wrong shapes, missing halves, DoRA and pickles', async () => {
    const wrong = await failureOf(opened(pair(known, 20, 24)));
    expect([wrong.code, wrong.message]).toEqual(['lora/shape', expect.stringContaining('down [2, 24]')]);
    const half = await failureOf(opened(pair(known, 20, 20).slice(0, 1)));
    expect(half.code).toBe('lora/incomplete');
    const dora = await failureOf(opened([...pair(known, 20, 20), floats(`${known}.dora_scale`, [20, 1])]));
    expect([dora.code, dora.message]).toEqual(['lora/unsupported', expect.stringContaining('DoRA')]);
    expect((await failureOf(openLora(folder, 'x.pt', targets))).code).toBe('lora/pickle');
    expect((await weightFailureOf(openLora(folder, 'absent.safetensors', targets))).code).toBe('weights/missing-file');
  });

  it('says which kind of model a LoRA is for', async () => {
    const sdxl = [linearTarget('down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k', 640, 2048)];
    const key = 'lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k';
    const error = await failureOf(opened(pair(key, 640, 768), { ss_base_model_version: 'sd_v1' }, sdxl));
    expect(error.code).toBe('lora/other-model');
    expect(error.message).toMatch(
      /for Stable Diffusion XL.*got one for Stable Diffusion 1\.x of 768 \(the file says sd_v1\)/,
    );
  });

  it("takes PEFT's alpha from the metadata, patterns and rank-stabilised scales included", async () => {
    const at = (module: string) => `unet.${module}`;
    const module = 'down_blocks.1.attentions.0.proj_in';
    const file = (metadata: Record<string, unknown>) =>
      opened(
        [
          floats(`${at(module)}.lora_A.weight`, [4, 20], () => 1),
          floats(`${at(module)}.lora_B.weight`, [20, 4], () => 1),
        ],
        { lora_adapter_metadata: JSON.stringify(metadata) },
      );
    const first = async (lora: Promise<Lora>) => [...(await changes(await lora)).values()][0]![0];
    expect(await first(file({}))).toBe(2); // four ranks of 1·1, at half strength
    expect(await first(file({ 'unet.r': 4, 'unet.lora_alpha': 8 }))).toBe(4);
    expect(await first(file({ 'unet.r': 4, 'unet.lora_alpha': 8, 'unet.use_rslora': true }))).toBe(8);
    expect(await first(file({ 'unet.r': 4, 'unet.lora_alpha': 4, 'unet.alpha_pattern': { proj_in: 2 } }))).toBe(1);
  });
});

describe('openEmbedding', () => {
  const encoders = [
    { part: 'text_encoder', width: 12 },
    { part: 'text_encoder_2', width: 20 },
  ];
  const opened = async (tensors: Parameters<typeof safetensorsFile>[0], of = encoders) =>
    openEmbedding(modelOf({ 'e.safetensors': await safetensorsFile(tensors) }), 'e.safetensors', of);

  it('reads both encoders’ vectors, A1111’s single form and diffusers’ token', async () => {
    const both = await opened([floats('clip_l', [2, 12]), floats('clip_g', [2, 20], (i) => -i)]);
    expect(both.vectors).toBe(2);
    expect(both.values.get('text_encoder')![13]).toBe(13);
    expect(both.values.get('text_encoder_2')![21]).toBe(-21);
    const one = await opened([floats('emb_params', [3, 12])], encoders.slice(0, 1));
    expect(one.vectors).toBe(3);
    const token = await opened([floats('<my cat>', [12])], encoders.slice(0, 1));
    expect([token.vectors, token.values.get('text_encoder')!.length]).toEqual([1, 12]);
  });

  it('refuses vectors of another model, of one encoder only, and files of something else', async () => {
    const sd = await failureOf(opened([floats('emb_params', [2, 12])]));
    expect([sd.code, sd.message]).toEqual(['embedding/other-model', expect.stringContaining('12 and 20 wide')]);
    expect((await failureOf(opened([floats('clip_l', [2, 12]), floats('clip_g', [1, 20])]))).code).toBe(
      'embedding/other-model',
    );
    expect((await failureOf(opened([floats('a', [2, 12]), floats('b', [2, 12])]))).code).toBe('embedding/unknown-form');
  });
});
