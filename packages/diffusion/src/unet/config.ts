import { JsonConfig } from '../json-config.js';

const downTypes = ['DownBlock2D', 'CrossAttnDownBlock2D'] as const;
const upTypes = ['UpBlock2D', 'CrossAttnUpBlock2D'] as const;

/** One resolution level of the UNet. */
export interface UNetLevel {
  readonly channels: number;
  /** Transformer layers in each attention of this level; 0 for a level of plain resnets. */
  readonly transformerLayers: number;
  readonly heads: number;
}

/** What `unet/config.json` says, read once and checked. Names follow diffusers where a name is kept. */
export interface UNetConfig {
  readonly inChannels: number;
  readonly outChannels: number;
  /** From the finest level to the coarsest. */
  readonly levels: readonly UNetLevel[];
  /** Levels of the upward path, coarsest first; a level's attention may differ from the downward one. */
  readonly upLevels: readonly UNetLevel[];
  readonly midLevel: UNetLevel;
  readonly layersPerBlock: number;
  readonly crossAttentionDim: number;
  readonly normGroups: number;
  readonly normEps: number;
  readonly linearProjection: boolean;
  readonly flipSinToCos: boolean;
  readonly freqShift: number;
  /** SDXL's size and pooled-text conditioning; absent in SD 1.x and 2.x. */
  readonly textTime?: { readonly timeEmbedDim: number; readonly inputDim: number };
  /** Width of the guidance scale's embedding, for UNets that are told it instead of being guided (LCM). */
  readonly timeCondDim?: number;
  /** The latent size the model was trained for, in latent pixels. */
  readonly sampleSize?: number;
}

/** Reads a UNet2DConditionModel config. Throws {@link ConfigError} naming the field it cannot follow. */
export function readUNetConfig(json: Readonly<Record<string, unknown>>, file = 'unet/config.json'): UNetConfig {
  const config = new JsonConfig(file, json);
  refuseOtherMaths(config);
  const channels = config.sizes('block_out_channels');
  const count = channels.length;
  const down = config.strings('down_block_types');
  const up = config.strings('up_block_types');
  config.oneOf('mid_block_type', ['UNetMidBlock2DCrossAttn'], 'UNetMidBlock2DCrossAttn');
  config.oneOf('act_fn', ['silu', 'swish'], 'silu');
  config.oneOf('time_embedding_type', ['positional'], 'positional');
  config.oneOf('resnet_time_scale_shift', ['default'], 'default');
  for (const [key, types, known] of [
    ['down_block_types', down, downTypes],
    ['up_block_types', up, upTypes],
  ] as const) {
    types.forEach((type, i) => new JsonConfig(file, { [`${key}[${i}]`]: type }).oneOf(`${key}[${i}]`, known, known[0]));
    if (types.length !== count) {
      // perLevel gives the error its usual form.
      new JsonConfig(file, { [key]: types.map(() => 1) }).perLevel(key, count);
    }
  }
  const layers = config.perLevel('transformer_layers_per_block', count, 1);
  // diffusers' old misnomer: `attention_head_dim` holds the number of heads unless `num_attention_heads` is given.
  const heads = config.perLevel(
    config.has('num_attention_heads') ? 'num_attention_heads' : 'attention_head_dim',
    count,
    8,
  );
  const level = (i: number, crossAttends: boolean): UNetLevel => ({
    channels: channels[i]!,
    transformerLayers: crossAttends ? layers[i]! : 0,
    heads: heads[i]!,
  });
  const textTime = config.oneOf('addition_embed_type', ['text_time', 'none'], 'none') === 'text_time';
  return {
    inChannels: config.size('in_channels', 4),
    outChannels: config.size('out_channels', 4),
    levels: down.map((type, i) => level(i, type === 'CrossAttnDownBlock2D')),
    upLevels: up.map((type, i) => level(count - 1 - i, type === 'CrossAttnUpBlock2D')),
    midLevel: level(count - 1, true),
    layersPerBlock: config.size('layers_per_block', 2),
    crossAttentionDim: config.size('cross_attention_dim', 1280),
    normGroups: config.size('norm_num_groups', 32),
    normEps: config.number('norm_eps', 1e-5),
    linearProjection: config.boolean('use_linear_projection', false),
    flipSinToCos: config.boolean('flip_sin_to_cos', true),
    freqShift: config.number('freq_shift', 0),
    textTime: textTime
      ? {
          timeEmbedDim: config.size('addition_time_embed_dim'),
          inputDim: config.size('projection_class_embeddings_input_dim'),
        }
      : undefined,
    timeCondDim: config.has('time_cond_proj_dim') ? config.size('time_cond_proj_dim') : undefined,
    sampleSize: config.has('sample_size') ? config.size('sample_size') : undefined,
  };
}

/**
 * Fields of diffusers' UNet2DConditionModel that would change what is computed, and the values under which they do not.
 * A field that is not read here and not in this list changes nothing but how a model runs (`use_flash_attention`, …).
 */
const plainValues: Readonly<Record<string, readonly unknown[]>> = {
  addition_embed_type_num_heads: [64],
  attention_type: ['default'],
  center_input_sample: [false],
  class_embed_type: [null],
  class_embeddings_concat: [false],
  conv_in_kernel: [3],
  conv_out_kernel: [3],
  cross_attention_norm: [null],
  downsample_padding: [1],
  dropout: [0],
  dual_cross_attention: [false],
  encoder_hid_dim: [null],
  encoder_hid_dim_type: [null],
  mid_block_only_cross_attention: [null, false],
  mid_block_scale_factor: [1],
  num_class_embeds: [null],
  only_cross_attention: [false],
  resnet_out_scale_factor: [1],
  resnet_skip_time_act: [false],
  reverse_transformer_layers_per_block: [null],
  time_embedding_act_fn: [null],
  time_embedding_dim: [null],
  timestep_post_act: [null],
};

/** Refuses what this library would compute otherwise than the model was trained to. */
function refuseOtherMaths(config: JsonConfig): void {
  for (const [key, values] of Object.entries(plainValues)) config.refuseUnless(key, values);
}
