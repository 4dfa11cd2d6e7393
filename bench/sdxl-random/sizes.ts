import type { ScaleName } from '@pleinair/bench';
import { readUNetConfig, readVaeConfig, type UNetConfig, type VaeConfig } from '@pleinair/diffusion';
import { sdxlBaseFiles } from '@pleinair/sdxl';

/** How large a model and picture are. */
export interface RandomSize {
  readonly unet: UNetConfig;
  readonly vae: VaeConfig;
  /** In words: model and picture. */
  readonly name: string;
  /** Pixels a side. */
  readonly side: number;
  readonly steps: number;
}

/** Stable Diffusion XL itself, or small ones of its form, for trying all this out where a step of SDXL takes minutes. */
export function randomSize(scale: ScaleName): RandomSize {
  const { unet, vae } = sdxlBaseFiles;
  const { changes, vaeChanges, ...size } = sizes[scale];
  return { unet: readUNetConfig({ ...unet, ...changes }), vae: readVaeConfig({ ...vae, ...vaeChanges }), ...size };
}

interface Size extends Pick<RandomSize, 'name' | 'side' | 'steps'> {
  /** What differs from SDXL's UNet and VAE. */
  readonly changes: Readonly<Record<string, unknown>>;
  readonly vaeChanges: Readonly<Record<string, unknown>>;
}

/** As tools/reference/sdxl_random_speed.py has them. */
const sizes: Readonly<Record<ScaleName, Size>> = {
  full: { name: 'SDXL, 1024×1024', side: 1024, steps: 20, changes: {}, vaeChanges: {} },
  reduced: {
    name: 'SDXL of a quarter of the channels, 512×512',
    side: 512,
    steps: 4,
    changes: { block_out_channels: [80, 160, 320], norm_num_groups: 16, attention_head_dim: [2, 2, 5] },
    vaeChanges: { block_out_channels: [64, 64, 128, 128] },
  },
  least: {
    name: 'SDXL in the small, 64×64',
    side: 64,
    steps: 2,
    changes: {
      block_out_channels: [32, 64, 64],
      norm_num_groups: 8,
      attention_head_dim: [1, 2, 2],
      transformer_layers_per_block: [1, 1, 1],
      layers_per_block: 1,
      addition_time_embed_dim: 8,
      projection_class_embeddings_input_dim: 80,
      cross_attention_dim: 64,
    },
    vaeChanges: { block_out_channels: [8, 16, 16, 16], norm_num_groups: 4, layers_per_block: 1 },
  },
};
