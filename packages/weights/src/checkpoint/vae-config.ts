import type { CheckpointFamily } from './recognise.js';
import type { Tensors } from './sections.js';
import { normGroupsOf, type JsonObject } from './told-by-shapes.js';

/** What each family's latents are multiplied by; no tensor tells it. */
const scalingFactors: Readonly<Record<CheckpointFamily, number>> = {
  sd1: 0.18215,
  sd2: 0.18215,
  sdxl: 0.13025,
  'sdxl-refiner': 0.13025,
};

/** Levels of a VAE in the original layout. */
export function vaeLevels(vae: Tensors): number {
  let level = 0;
  while (vae.has(`decoder.up.${level}.block.0.conv1.weight`)) level++;
  return level;
}

/**
 * `vae/config.json` of a VAE in the original layout, from its shapes.
 *
 * @throws `WeightError` `weights/unknown-checkpoint` where shapes do not tell.
 */
export function vaeConfig(vae: Tensors, family: CheckpointFamily): JsonObject {
  const channels = Array.from(
    { length: vaeLevels(vae) },
    (_, level) => shapeOf(vae, `decoder.up.${level}.block.0.conv2.weight`)[0]!,
  );
  let blocks = 0;
  while (vae.has(`decoder.up.0.block.${blocks}.conv1.weight`)) blocks++;
  const large = family.startsWith('sdxl');
  return {
    _class_name: 'AutoencoderKL',
    act_fn: 'silu',
    block_out_channels: channels,
    down_block_types: channels.map(() => 'DownEncoderBlock2D'),
    // SDXL's overflows half floats; mends of it have the same shapes, and run the same, only not as fast as they could.
    ...(large && { force_upcast: true }),
    in_channels: 3,
    latent_channels: shapeOf(vae, 'decoder.conv_in.weight')[1]!,
    layers_per_block: blocks - 1, // the decoder has one more
    norm_num_groups: normGroupsOf(channels[0] ?? 0, 'vae/config.json'),
    out_channels: shapeOf(vae, 'decoder.conv_out.weight')[0]!,
    sample_size: large ? 1024 : 512,
    scaling_factor: scalingFactors[family],
    up_block_types: channels.map(() => 'UpDecoderBlock2D'),
  };
}

function shapeOf(vae: Tensors, name: string): readonly number[] {
  return vae.get(name)?.shape ?? [0, 0];
}
