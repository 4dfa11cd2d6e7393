import type { ScaleName } from '@pleinair/bench';
import { readSdxlConfig, sdxlBaseFiles, type SdxlConfig } from '@pleinair/sdxl';

/** How large a model and picture are. */
export interface RandomSize {
  readonly config: SdxlConfig;
  /** In words: model and picture. */
  readonly name: string;
  /** Pixels a side. */
  readonly side: number;
  readonly steps: number;
}

/** Stable Diffusion XL itself, or small ones of its form, for trying all this out where a step of SDXL takes minutes. */
export function randomSize(scale: ScaleName): RandomSize {
  const { unet, vae, textEncoder2 } = sdxlBaseFiles;
  switch (scale) {
    case 'full':
      return { config: readSdxlConfig(sdxlBaseFiles), name: 'SDXL, 1024×1024', side: 1024, steps: 20 };
    case 'reduced': {
      const small = { ...unet, block_out_channels: [80, 160, 320], norm_num_groups: 16, attention_head_dim: [2, 2, 5] };
      const files = { ...sdxlBaseFiles, unet: small, vae: { ...vae, block_out_channels: [64, 64, 128, 128] } };
      return { config: readSdxlConfig(files), name: 'SDXL of a quarter of the channels, 512×512', side: 512, steps: 4 };
    }
    case 'least': {
      const small = {
        ...unet,
        block_out_channels: [32, 64, 64],
        norm_num_groups: 8,
        attention_head_dim: [1, 2, 2],
        transformer_layers_per_block: [1, 1, 1],
        layers_per_block: 1,
        addition_time_embed_dim: 8,
        projection_class_embeddings_input_dim: 6 * 8 + 32,
        cross_attention_dim: 64,
      };
      const files = {
        ...sdxlBaseFiles,
        unet: small,
        vae: { ...vae, block_out_channels: [8, 16, 16], norm_num_groups: 4, layers_per_block: 1 },
        textEncoder2: { ...textEncoder2, projection_dim: 32 },
      };
      return { config: readSdxlConfig(files), name: 'SDXL in the small, 64×64', side: 64, steps: 2 };
    }
  }
}
