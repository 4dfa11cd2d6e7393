import { conv2d, convWeight } from '@pleinair/kernels';
import { plainRows, type Graph, type Tensor, type WeightScope } from '@pleinair/tensor';
import { normSilu, resnetBlock } from '../blocks/resnet-block.js';
import { vaeMidBlock } from './mid-block.js';
import { vaeFactor, type VaeConfig } from './config.js';

/** GroupNorm epsilon of AutoencoderKL, fixed in diffusers. */
export const vaeNormEps = 1e-6;

/**
 * Records AutoencoderKL's decoder.
 *
 * @param latents - `[batch, h, w, latentChannels]`, already divided by the scaling factor.
 * @returns The picture in −1…1, `[batch, 8h, 8w, imageChannels]`.
 */
export function vaeDecoder(g: Graph, scope: WeightScope, config: VaeConfig, latents: Tensor): Tensor {
  const finest = latents.shape[1]! * latents.shape[2]! * vaeFactor(config) ** 2;
  const norm = { groups: config.normGroups, eps: vaeNormEps, onLoadPixels: finest };
  const conv = (convScope: WeightScope, x: Tensor, outChannels: number, kernel: 1 | 3, upsample?: 2): Tensor =>
    conv2d(g, x, convWeight(convScope, outChannels, [x.shape.at(-1)!], kernel), {
      bias: convScope.weight('bias', [outChannels], plainRows),
      upsample,
      label: convScope.prefix,
    });

  let hidden = config.postQuantConv ? conv(scope.in('post_quant_conv'), latents, config.latentChannels, 1) : latents;
  const decoder = scope.in('decoder');
  const channels = [...config.channels].reverse();
  hidden = conv(decoder.in('conv_in'), hidden, channels[0]!, 3);
  hidden = vaeMidBlock(g, decoder.in('mid_block'), hidden, norm, config.midBlockAttention);
  channels.forEach((outChannels, i) => {
    const up = decoder.in(`up_blocks.${i}`);
    for (let j = 0; j <= config.layersPerBlock; j++) {
      hidden = resnetBlock(g, up.in(`resnets.${j}`), hidden, { outChannels, norm });
    }
    if (i < channels.length - 1) hidden = conv(up.in('upsamplers.0.conv'), hidden, outChannels, 3, 2);
  });
  hidden = normSilu(g, decoder.in('conv_norm_out'), hidden, norm);
  return conv(decoder.in('conv_out'), hidden, config.imageChannels, 3);
}
