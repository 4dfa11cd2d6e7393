import { readFile } from 'node:fs/promises';
import { readVaeConfig, vaeEncoder } from '@pleinair/diffusion';
import { defaultProfile, Graph, planProgram, WeightScope } from '@pleinair/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkpointTensors } from './checkpoint-tensors.js';
import { partGraph, type PartName, type PipelineShape } from './graphs.js';
import { readSdxlConfig } from './model-config.js';
import { planSdxl } from './plan-sdxl.js';
import { sdxlBaseFiles } from './presets.js';

type Names = Record<'text_encoder' | 'text_encoder_2' | 'unet' | 'vae', Record<string, number[]>>;

const shape: PipelineShape = {
  width: 1024,
  height: 1024,
  pictures: 1,
  guided: true,
  halves: 'together',
  chunks: 1,
  precision: 'f16',
  solver: { slots: 0, drawsNoise: false, evaluations: 30 },
};
const config = readSdxlConfig(sdxlBaseFiles);
let names: Names;

beforeAll(async () => {
  names = JSON.parse(
    await readFile(new URL('../../testing/goldens/sdxl-base-names.json', import.meta.url), 'utf8'),
  ) as Names;
});

function recorded(part: PartName): Map<string, readonly number[]> {
  return new Map(partGraph(config, shape, part).weights.map(({ source }) => [source.name, source.shape]));
}

describe('the official SDXL base checkpoint', () => {
  it.each(['text_encoder_2', 'unet'] as const)('%s: every tensor is consumed, none is missing', (part) => {
    expect(Object.fromEntries(recorded(part))).toEqual(names[part]);
  });

  it('text_encoder: all but the last layer and final norm, which SDXL never looks at', () => {
    const unused = (name: string): boolean =>
      name.startsWith('text_model.encoder.layers.11.') || name.startsWith('text_model.final_layer_norm.');
    const wanted = Object.fromEntries(Object.entries(names.text_encoder).filter(([name]) => !unused(name)));
    expect(Object.fromEntries(recorded('text_encoder'))).toEqual(wanted);
    expect(Object.keys(names.text_encoder).filter(unused)).toHaveLength(18);
  });

  it('tells every tensor from the configurations alone, those that are never run included', () => {
    for (const part of ['text_encoder', 'text_encoder_2', 'unet'] as const) {
      const told = checkpointTensors(config, part).map((tensor) => [tensor.name, tensor.shape]);
      expect(Object.fromEntries(told), part).toEqual(names[part]);
      expect(told).toHaveLength(Object.keys(names[part]).length);
    }
  });

  it('vae: decoder and encoder together consume every tensor', () => {
    const vae = readVaeConfig(sdxlBaseFiles.vae);
    const g = new Graph('encoder', { dtype: 'f16' });
    g.segment('encode');
    vaeEncoder(g, new WeightScope(g), vae, g.input('image', [1, 64, 64, 3]));
    const both = new Map([
      ...recorded('vae_decoder'),
      ...g.weights.map(({ source }) => [source.name, source.shape] as const),
    ]);
    expect(Object.fromEntries(both)).toEqual(names.vae);
  });

  it('plans 5.13 GB of UNet weights and at most 155 MB of intermediates at 1024²', () => {
    const plan = planSdxl(config, shape);
    const { unet } = plan.components;
    expect(unet.weightsBytes / 1e9).toBeGreaterThan(5.12);
    expect(unet.weightsBytes / 1e9).toBeLessThan(5.15);
    expect(unet.intermediatesBytes).toBeLessThanOrEqual(155e6);
    expect(unet.naiveBytes).toBeGreaterThan(2e9);
    // 12 TFLOP of products and convolutions and 1.5 of attention.
    expect(unet.flops / 1e12).toBeGreaterThan(11);
    expect(unet.flops / 1e12).toBeLessThan(15);
  });

  it.each(['together', 'in-turn'] as const)(
    'keeps out of the loop what depends on the prompt or the schedule only, halves %s',
    (halves) => {
      const graph = partGraph(config, { ...shape, halves }, 'unet');
      const plan = planProgram(graph, defaultProfile);
      const [prompt, schedule, step] = plan.segments.map(
        ({ weights }) => new Set(weights.map(({ source }) => source.name)),
      );
      const ofPrompt = (name: string): boolean => /^add_embedding\.|\.attn2\.to_[kv]\./.test(name);
      const ofSchedule = (name: string): boolean => /^time_embedding\.|\.time_emb_proj\./.test(name);
      const all = Object.keys(names.unet);
      expect(prompt).toEqual(new Set(all.filter(ofPrompt)));
      expect(schedule).toEqual(new Set(all.filter(ofSchedule)));
      expect(step).toEqual(new Set(all.filter((name) => !ofPrompt(name) && !ofSchedule(name))));
      // One small dispatch for each half picks an evaluation's time embeddings out of those made beforehand.
      const picks = plan.segments[2]!.nodes.filter(({ node }) => node.op === 'gatherRows');
      expect(picks.map(({ dispatches }) => dispatches.length)).toEqual(halves === 'together' ? [1] : [1, 1]);
      // facts: keys and values are 340 M of 2,567 M weights; the embeddings and their projections 25 M more.
      const { loopWeightsBytes: loopBytes, intermediatesBytes } = planSdxl(config, { ...shape, halves }).components
        .unet;
      expect(intermediatesBytes).toBeLessThanOrEqual(halves === 'together' ? 155e6 : 78e6);
      expect((plan.weightsBytes - loopBytes) / 2e6).toBeGreaterThan(340 + 24);
    },
  );
});
