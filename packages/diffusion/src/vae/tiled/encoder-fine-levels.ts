import type { WeightScope } from '@pleinair/tensor';
import type { BandTensor } from '@pleinair/kernels';
import type { VaeConfig } from '../config.js';
import { bandLayer, bandNormConv, bandResnet, type BandWalk } from './band-layers.js';

/**
 * The encoder's levels above the latents' own size, from the picture to the last downsampler, over a band.
 *
 * @param image - `[1, 8h, 8w, imageChannels]` in −1…1, whole.
 * @param options.rows - New rows of a band at the picture's size; a multiple of 2^(levels − 1).
 * @param options.finish - Whether to make the features; without, everything ends with the statistics of the last norm.
 * @returns A band of the features, `[1, rows/8, w, C]`.
 */
export function encoderFineLevels(
  walk: BandWalk,
  scope: WeightScope,
  config: VaeConfig,
  image: BandTensor,
  options: { readonly rows: number; readonly finish: boolean },
): BandTensor | undefined {
  const { rows, finish } = options;
  const levels = config.channels.slice(0, -1);
  let hidden = bandLayer(walk, scope.in('conv_in'), image, { outChannels: config.channels[0]!, kernel: 3, rows });
  for (const [i, outChannels] of levels.entries()) {
    const down = scope.in(`down_blocks.${i}`);
    for (let j = 0; j < config.layersPerBlock; j++) {
      const resnet = down.in(`resnets.${j}`);
      if (!finish && i === levels.length - 1 && j === config.layersPerBlock - 1) {
        const first = { norm: resnet.in('norm1'), conv: resnet.in('conv1') };
        walk.normOf(resnet.in('norm2'), bandNormConv(walk, first, hidden, { outChannels }));
        return undefined;
      }
      hidden = bandResnet(walk, resnet, hidden, outChannels);
    }
    const last = i === levels.length - 1;
    hidden = bandLayer(walk, down.in('downsamplers.0.conv'), hidden, { outChannels, kernel: 3, stride: 2, last });
  }
  return hidden;
}
