import type { PaletteBits } from '@pleinair/tensor';
import type { LayerBits } from '../src/bits.js';
import { averageBits } from '../src/recipe/average-bits.js';
import type { AnalysedLayer, LayerResults, Recipe, RecipeFile } from '../src/recipe/recipe-file.js';

const widths: readonly PaletteBits[] = [1, 2, 4, 6, 8];

/** How a sample file differs from what an analysis writes. */
export interface SampleFileOptions {
  /** As published: no account of the analysis, so no shapes. */
  readonly published?: boolean;
  readonly method?: string;
  readonly runs?: number;
  /** Added to every recipe's PSNR. */
  readonly better?: number;
}

/** Layers of a small UNet under a checkpoint's names, in the alphabetical order of files. */
export function sampleLayers(): AnalysedLayer[] {
  const attention = (block: string, channels: number): AnalysedLayer[] => [
    { layer: `${block}.proj_in`, shape: [channels, channels] },
    { layer: `${block}.proj_out`, shape: [channels, channels] },
    ...['attn1', 'attn2'].flatMap((attn) =>
      ['to_k', 'to_out.0', 'to_q', 'to_v'].map((name) => ({
        layer: `${block}.transformer_blocks.0.${attn}.${name}`,
        shape: [channels, channels],
      })),
    ),
    { layer: `${block}.transformer_blocks.0.ff.net.0.proj`, shape: [8 * channels, channels] },
    { layer: `${block}.transformer_blocks.0.ff.net.2`, shape: [channels, 4 * channels] },
  ];
  const resnet = (block: string, channels: number): AnalysedLayer[] => [
    { layer: `${block}.conv1`, shape: [channels, channels, 3, 3] },
    { layer: `${block}.conv2`, shape: [channels, channels, 3, 3] },
    { layer: `${block}.time_emb_proj`, shape: [channels, 256] },
  ];
  return [
    { layer: 'add_embedding.linear_1', shape: [256, 288] },
    { layer: 'conv_in', shape: [64, 4, 3, 3] },
    { layer: 'conv_out', shape: [4, 64, 3, 3] },
    ...attention('down_blocks.0.attentions.0', 64),
    { layer: 'down_blocks.0.downsamplers.0.conv', shape: [64, 64, 3, 3] },
    ...resnet('down_blocks.0.resnets.0', 64),
    ...attention('mid_block.attentions.0', 96),
    ...resnet('mid_block.resnets.0', 96),
    ...resnet('mid_block.resnets.1', 96),
    { layer: 'time_embedding.linear_1', shape: [256, 64] },
    ...attention('up_blocks.0.attentions.0', 64),
    ...resnet('up_blocks.0.resnets.0', 64),
    { layer: 'up_blocks.0.upsamplers.0.conv', shape: [64, 64, 3, 3] },
  ];
}

/** A recipe file of {@link sampleLayers} with measurements that fall as a model's do. */
export function sampleFile({ published = false, method, runs = 9000, better = 0 }: SampleFileOptions = {}): RecipeFile {
  const layers = sampleLayers().map(({ layer, shape }, i) => ({
    layer,
    shape,
    weights: shape.reduce((a, b) => a * b, 1),
    // Some layers do ten times the harm of others.
    harm: 10 ** (((i * 7) % 11) / 10),
  }));
  const order = layers.toSorted((a, b) => a.harm - b.harm);
  const psnrOf = (noise: number): number => 82 - 10 * Math.log10(1 + noise);
  const noiseOf = (harm: number, bits: LayerBits): number => (bits === 16 ? 0 : 0.02 * harm * 4 ** (8 - bits));
  const single: Record<string, LayerResults> = {};
  const cumulative: Record<string, LayerResults> = {};
  for (const nbits of widths) {
    const metadata = { nbits, out_ngroups: 1, in_ngroups: 1 };
    single[nbits] = {
      metadata: { ...metadata, cumulative: false },
      ...Object.fromEntries(layers.map(({ layer, harm }) => [layer, [psnrOf(noiseOf(harm, nbits))]])),
    };
    let noise = 0;
    cumulative[nbits] = {
      metadata: {
        ...metadata,
        cumulative: true,
        candidates: order.map(({ layer }) => layer),
        sizes: order.map(({ weights }) => weights),
      },
      ...Object.fromEntries(
        order.map(({ layer, harm }) => {
          noise += noiseOf(harm, nbits);
          return [layer, [psnrOf(noise), psnrOf(noise) + 1]];
        }),
      ),
    };
  }
  const recipes: Record<string, Recipe> = {};
  const baselines: Record<string, number> = { original: 82, linear_8bit: 60, linear_8bit_per_channel: 64 };
  for (const bits of [7, 6, 5, 4.5, 4, 3.3, 2.8]) {
    const choice = (harm: number): LayerBits =>
      ([1, 2, 4, 6, 8] as const).find((one) => one >= bits - 2.5 + 3 * Math.log10(harm)) ?? 16;
    const recipe = Object.fromEntries(layers.map(({ layer, harm }) => [layer, choice(harm)]));
    const name = `recipe_${averageBits(layers, (layer) => recipe[layer]).toFixed(2)}_bit_mixedpalette`;
    recipes[name] = recipe;
    baselines[name] = better + psnrOf(layers.reduce((sum, { harm }) => sum + noiseOf(harm, choice(harm)), 0));
  }
  const file = { model_version: 'pleinair-sample', baselines, recipes, single_layer: single, cumulative };
  if (published) return file;
  const shapes = layers.map(({ layer, shape }) => ({ layer, shape }));
  return {
    ...file,
    analysis: { method: method ?? 'published', evaluations: runs / 8, runs, layers: shapes, group: 0 },
  };
}
