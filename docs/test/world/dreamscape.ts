import { denoiserGraph, readUNetConfig, readVaeConfig, vaeDecoderGraph, vaeEncoder } from '@pleinair/diffusion';
import { Graph, WeightScope } from '@pleinair/tensor';
import { readTextEncoderConfig, textEncoderGraph } from '@pleinair/text';
import type { ModelSource, TensorToWrite } from '@pleinair/weights';
import type { ModelNames } from '../../../packages/weights/test/checkpoint-names.js';

type Shape = readonly number[];

/** Heads of 64, norms of 32 groups, CLIP's vocabulary: shapes tell all of it, as they do of checkpoints people have. */
const sizes: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  unet: {
    addition_time_embed_dim: 256,
    attention_head_dim: [1, 2, 1],
    // Channels change where the demo model's do, so that there are the same tensors.
    block_out_channels: [64, 128, 64],
    cross_attention_dim: 128,
    norm_num_groups: 32,
    projection_class_embeddings_input_dim: 64 + 6 * 256,
  },
  vae: { block_out_channels: [32, 64, 32, 32], norm_num_groups: 32 },
  text_encoder: { hidden_size: 64, intermediate_size: 128, num_attention_heads: 1, vocab_size: 49408 },
  text_encoder_2: {
    hidden_size: 64,
    intermediate_size: 128,
    num_attention_heads: 1,
    projection_dim: 64,
    vocab_size: 49408,
  },
};

/**
 * The tensors of a small SDXL as one file with weights made up: the blocks of the demo model, in sizes of which shapes tell
 * everything, so that it opens like any checkpoint.
 *
 * @param names - Of the demo model's tensors, as Python wrote them down.
 * @param demo - The demo model, for its configurations.
 */
export async function dreamscapeTensors(
  { file }: Pick<ModelNames, 'file'>,
  demo: Pick<ModelSource, 'readJson'>,
): Promise<TensorToWrite[]> {
  const shapes = new Map<string, ReadonlyMap<string, Shape>>();
  for (const [part, sized] of Object.entries(sizes)) {
    const config = (await demo.readJson(`${part}/config.json`)) as Readonly<Record<string, unknown>>;
    shapes.set(part, shapesOf(part, { ...config, ...sized }));
  }
  return Object.entries(file).map(([name, { shape: named, of, transposed }]) => {
    const [part = '', ...pieces] = of;
    const shape = pieces.length === 0 ? named : joined(pieces.map((piece) => shapes.get(part)!.get(piece)!));
    const turned = transposed ? shape.toReversed() : shape;
    // The original layout has some linear layers as convolutions of one pixel.
    const whole = [...turned, ...Array.from({ length: named.length - turned.length }, () => 1)];
    return { name, dtype: 'F16', shape: whole, data: madeUp(whole.reduce((product, length) => product * length, 1)) };
  });
}

function shapesOf(part: string, config: Readonly<Record<string, unknown>>): ReadonlyMap<string, Shape> {
  const shape = { pictures: 1, guided: false, halves: 'together', dtype: 'f16', chunks: 1, precision: 'f16' } as const;
  const solver = { slots: 0, drawsNoise: false, evaluations: 1 };
  const of = (...graphs: readonly Graph[]): ReadonlyMap<string, Shape> =>
    new Map(graphs.flatMap(({ weights }) => weights.map(({ source }) => [source.name, source.shape] as const)));
  if (part === 'unet') {
    return of(denoiserGraph(readUNetConfig(config), { ...shape, ...solver, height: 8, width: 8, tokens: 77 }, 6));
  }
  if (part === 'vae') {
    const vae = readVaeConfig(config);
    const encoder = new Graph('encoder', { dtype: 'f16' });
    encoder.segment('encode');
    vaeEncoder(encoder, new WeightScope(encoder), vae, encoder.input('image', [1, 64, 64, 3]));
    return of(encoder, vaeDecoderGraph(vae, { ...shape, solver, width: 64, height: 64, vae: 'exact' }));
  }
  const text = readTextEncoderConfig(config);
  const pooled = text.projectionDim !== undefined;
  return of(textEncoderGraph(text, { batch: 1, skipLayers: 0, pooled, finalNorm: true, dtype: 'f16' }));
}

/** Tensors that lie one behind the other. */
function joined(shapes: readonly Shape[]): Shape {
  const [[, ...rest] = []] = shapes;
  return [shapes.reduce((sum, [rows = 0]) => sum + rows, 0), ...rest];
}

/** Half floats of either sign, about a hundredth. */
function madeUp(length: number): Uint16Array<ArrayBuffer> {
  const values = new Uint16Array(length);
  let state = 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = 0x2000 | ((state >>> 16) & 0x83ff);
  }
  return values;
}
