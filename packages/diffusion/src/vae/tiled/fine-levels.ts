import { samplePixels, wholePicture, type BandTensor } from '@pleinair/kernels';
import type { Tensor, WeightScope } from '@pleinair/tensor';
import type { VaeConfig } from '../config.js';
import { bandLayer, bandNormConv, bandResnet, type BandWalk } from './band-layers.js';
import { decoded, type LevelPicture } from './latent-level.js';

/**
 * The decoder's levels above the latents' own size, from the first upsampler to the last norm, over a band.
 *
 * @param features - What the latents' own level leaves, `[1, h, w, C]`.
 * @param rows - New rows of a band at the finest level; a multiple of 2^(levels − 2).
 * @param finish - Whether to make the picture; without, everything ends with the statistics of the last norm.
 * @returns A band of the picture in −1…1, `[1, rows, 8w, imageChannels]`.
 */
export function decoderFineLevels(
  walk: BandWalk,
  scope: WeightScope,
  config: VaeConfig,
  features: Pick<LevelPicture, 'whole' | 'code'>,
  options: { readonly rows: number; readonly finish: boolean },
): BandTensor | undefined {
  const channels = [...config.channels].reverse();
  let hidden = features.whole;
  for (let i = 1; i < channels.length; i++) {
    const below = scope.in(`up_blocks.${i - 1}`);
    const levelRows = options.rows / 2 ** (channels.length - 1 - i);
    hidden = bandLayer(walk, below.in('upsamplers.0.conv'), hidden, {
      outChannels: channels[i - 1]!,
      kernel: 3,
      upsample: 2,
      rows: levelRows,
      onLoad: i === 1 ? decoded(features) : undefined,
    });
    for (let j = 0; j <= config.layersPerBlock; j++) {
      hidden = bandResnet(walk, scope.in(`up_blocks.${i}.resnets.${j}`), hidden, channels[i]!);
    }
  }
  const norm = scope.in('conv_norm_out');
  if (options.finish) {
    const conv = scope.in('conv_out');
    return bandNormConv(walk, { norm, conv }, hidden, { outChannels: config.imageChannels, last: true });
  }
  walk.normOf(norm, hidden);
  return undefined;
}

/** A small copy of the features: every n-th pixel in each direction. */
export function smallCopy(walk: BandWalk, features: BandTensor, every: number): BandTensor {
  const { tensor, window } = features;
  const sampled: Tensor = samplePixels(walk.graph, tensor, { every, label: 'small-copy' });
  return wholePicture(sampled, window.position);
}
