import { JsonConfig } from '../json-config.js';

/** What `vae/config.json` says, read once and checked. */
export interface VaeConfig {
  readonly latentChannels: number;
  readonly imageChannels: number;
  /** Channels from the finest level to the coarsest. */
  readonly channels: readonly number[];
  readonly layersPerBlock: number;
  readonly normGroups: number;
  /** Latents are multiplied by this after encoding, divided by it before decoding. */
  readonly scalingFactor: number;
  /** The checkpoint's activations overflow half floats: decode and encode with f32 activations. */
  readonly forceUpcast: boolean;
  readonly quantConv: boolean;
  readonly postQuantConv: boolean;
  readonly midBlockAttention: boolean;
}

/** Picture pixels a latent pixel stands for, along one side. */
export function vaeFactor(config: VaeConfig): number {
  return 2 ** (config.channels.length - 1);
}

/** Reads an AutoencoderKL config. Throws {@link ConfigError} naming the field it cannot follow. */
export function readVaeConfig(json: Readonly<Record<string, unknown>>, file = 'vae/config.json'): VaeConfig {
  const config = new JsonConfig(file, json);
  config.oneOf('act_fn', ['silu', 'swish'], 'silu');
  // Latents of other models are shifted or spread by channel.
  for (const key of ['latents_mean', 'latents_std', 'shift_factor']) config.refuseUnless(key, [null, 0]);
  for (const [key, type] of [
    ['down_block_types', 'DownEncoderBlock2D'],
    ['up_block_types', 'UpDecoderBlock2D'],
  ] as const) {
    if (!config.has(key)) continue;
    for (const found of config.strings(key)) new JsonConfig(file, { [key]: found }).oneOf(key, [type], type);
  }
  return {
    latentChannels: config.size('latent_channels', 4),
    imageChannels: config.size('out_channels', 3),
    channels: config.sizes('block_out_channels'),
    layersPerBlock: config.size('layers_per_block', 1),
    normGroups: config.size('norm_num_groups', 32),
    scalingFactor: config.number('scaling_factor', 0.18215),
    forceUpcast: config.boolean('force_upcast', true),
    quantConv: config.boolean('use_quant_conv', true),
    postQuantConv: config.boolean('use_post_quant_conv', true),
    midBlockAttention: config.boolean('mid_block_add_attention', true),
  };
}
