import type { LatentModel } from '../src/pipeline/latent-model.js';
import { readUNetConfig } from '../src/unet/config.js';
import { readVaeConfig } from '../src/vae/config.js';

/** A model as far as its configuration is looked at; it records nothing. */
export function fakeModel(changes: { inChannels?: number; needsImage?: boolean } = {}): LatentModel {
  const unet = readUNetConfig({
    in_channels: changes.inChannels ?? 4,
    block_out_channels: [8, 8],
    down_block_types: ['DownBlock2D', 'DownBlock2D'],
    up_block_types: ['UpBlock2D', 'UpBlock2D'],
    attention_head_dim: 1,
  });
  const config = {
    unet,
    vae: readVaeConfig({ block_out_channels: [4, 4, 4, 4], norm_num_groups: 2 }),
    scheduler: {},
    defaults: { width: 128, height: 128, steps: 20, guidance: 5 },
    latentToRgb: { weights: [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]], bias: [0, 0, 0] }, // prettier-ignore
  } as const;
  return {
    config,
    parts: [],
    texts: [],
    zerosForAbsentNegative: false,
    needsImage: changes.needsImage ?? false,
    record: () => {
      throw new Error('expected nobody to record a part');
    },
  };
}
