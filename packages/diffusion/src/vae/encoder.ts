import { conv2d, convWeight } from '@pleinair/kernels';
import { plainRows, type Graph, type Tensor, type WeightScope } from '@pleinair/tensor';
import { normSilu, resnetBlock } from '../blocks/resnet-block.js';
import { vaeNormEps } from './decoder.js';
import { vaeAttention, vaeMidBlock, type VaeAttention } from './mid-block.js';
import type { VaeConfig } from './config.js';

/**
 * Records AutoencoderKL's encoder.
 *
 * @param image - `[batch, 8h, 8w, imageChannels]` in −1…1.
 * @returns Mean and log-variance of the latents, `[batch, h, w, 2·latentChannels]`, not yet scaled.
 */
export function vaeEncoder(g: Graph, scope: WeightScope, config: VaeConfig, image: Tensor): Tensor {
  const finest = image.shape[1]! * image.shape[2]!;
  const norm = { groups: config.normGroups, eps: vaeNormEps, onLoadPixels: finest, measured: true };
  const conv = (convScope: WeightScope, x: Tensor, outChannels: number, kernel: 1 | 3, down = false): Tensor =>
    conv2d(g, x, convWeight(convScope, outChannels, [x.shape.at(-1)!], kernel), {
      bias: convScope.weight('bias', [outChannels], plainRows),
      ...(down ? { stride: 2, padding: 'asymmetric' } : {}),
      label: convScope.prefix,
    });

  const encoder = scope.in('encoder');
  let hidden = conv(encoder.in('conv_in'), image, config.channels[0]!, 3);
  config.channels.forEach((outChannels, i) => {
    const down = encoder.in(`down_blocks.${i}`);
    for (let j = 0; j < config.layersPerBlock; j++) {
      hidden = resnetBlock(g, down.in(`resnets.${j}`), hidden, { outChannels, norm });
    }
    if (i < config.channels.length - 1) hidden = conv(down.in('downsamplers.0.conv'), hidden, outChannels, 3, true);
  });
  const attend: VaeAttention = (at, x) => vaeAttention(g, at, x, norm);
  hidden = vaeMidBlock(g, encoder.in('mid_block'), hidden, norm, config.midBlockAttention ? attend : undefined);
  hidden = normSilu(g, encoder.in('conv_norm_out'), hidden, norm);
  const moments = 2 * config.latentChannels;
  hidden = conv(encoder.in('conv_out'), hidden, moments, 3);
  return config.quantConv ? conv(scope.in('quant_conv'), hidden, moments, 1) : hidden;
}
