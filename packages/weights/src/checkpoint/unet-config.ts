import type { CheckpointFamily, CheckpointKind } from './recognise.js';
import type { Tensors } from './sections.js';
import { headsOf, normGroupsOf, type JsonObject } from './told-by-shapes.js';

/** Pixels of a latent side that each family was trained at. */
const sampleSizes: Readonly<Record<CheckpointFamily, number>> = { sd1: 64, sd2: 64, sdxl: 128, 'sdxl-refiner': 128 };

/** Resnets of a level on the way down: as many blocks as come before the first way down. */
export function layersPerBlockOf(unet: Tensors): number {
  let block = 1;
  while (unet.has(`input_blocks.${block}.0.in_layers.2.weight`)) block++;
  return block - 1;
}

/**
 * `unet/config.json` of a UNet in the original layout, from its shapes; heads are 64 wide or, in SD 1.x, 8.
 *
 * @throws `WeightError` `weights/unknown-checkpoint` where shapes do not tell.
 */
export function unetConfig(unet: Tensors, kind: CheckpointKind): JsonObject {
  const layers = layersPerBlockOf(unet);
  const channels: number[] = [];
  const depths: number[] = [];
  for (let block = 1; ; block += layers + 1) {
    const convolution = unet.get(`input_blocks.${block}.0.out_layers.3.weight`);
    if (!convolution) break;
    channels.push(convolution.shape[0]!);
    depths.push(transformerLayers(unet, `input_blocks.${block}.1`));
  }
  const attends = depths.map((depth) => depth > 0);
  const upAttends = channels.map((_, level) => transformerLayers(unet, `output_blocks.${level * (layers + 1)}.1`) > 0);
  // The middle has the coarsest level's depth, even where that level has no attention of its own.
  const last = depths.length - 1;
  depths[last] = transformerLayers(unet, 'middle_block.1');
  const linear = unet.get('middle_block.1.proj_in.weight')!.shape.length === 2;
  const addition = unet.get('label_emb.0.0.weight');
  const velocity = kind.family === 'sd2' && kind.prediction === 'v_prediction';
  return {
    _class_name: 'UNet2DConditionModel',
    act_fn: 'silu',
    ...(addition && {
      addition_embed_type: 'text_time',
      addition_time_embed_dim: 256,
      projection_class_embeddings_input_dim: addition.shape[1]!,
    }),
    attention_head_dim: linear ? channels.map((size) => headsOf(size, 'unet/config.json')) : 8,
    block_out_channels: channels,
    center_input_sample: false,
    cross_attention_dim: unet.get('middle_block.1.transformer_blocks.0.attn2.to_k.weight')!.shape[1]!,
    down_block_types: attends.map((attention) => (attention ? 'CrossAttnDownBlock2D' : 'DownBlock2D')),
    downsample_padding: 1,
    flip_sin_to_cos: true,
    freq_shift: 0,
    in_channels: unet.get('input_blocks.0.0.weight')!.shape[1]!,
    layers_per_block: layers,
    mid_block_scale_factor: 1,
    norm_eps: 1e-5,
    norm_num_groups: normGroupsOf(channels[0] ?? 0, 'unet/config.json'),
    out_channels: unet.get('out.2.weight')!.shape[0]!,
    sample_size: velocity ? 96 : sampleSizes[kind.family],
    transformer_layers_per_block: depths.map((depth) => Math.max(1, depth)),
    up_block_types: upAttends.map((attention) => (attention ? 'CrossAttnUpBlock2D' : 'UpBlock2D')),
    // Stable Diffusion 2.1's attention overflowed half floats where it was trained.
    ...(velocity && { upcast_attention: true }),
    use_linear_projection: linear,
  };
}

function transformerLayers(unet: Tensors, place: string): number {
  let depth = 0;
  while (unet.has(`${place}.transformer_blocks.${depth}.attn1.to_q.weight`)) depth++;
  return depth;
}
