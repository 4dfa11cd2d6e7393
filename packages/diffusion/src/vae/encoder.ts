import { conv2d, convWeight } from '@pleinair/kernels';
import { plainRows, type Graph, type Tensor, type WeightScope } from '@pleinair/tensor';
import { normSilu, resnetBlock, type NormSettings } from '../blocks/resnet-block.js';
import { vaeNormEps } from './decoder.js';
import { vaeMidBlock } from './mid-block.js';
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
  const encoder = scope.in('encoder');
  let hidden = conv(g, encoder.in('conv_in'), image, config.channels[0]!, 3);
  for (const [i, outChannels] of config.channels.slice(0, -1).entries()) {
    const down = encoder.in(`down_blocks.${i}`);
    hidden = resnets(g, down, config, hidden, outChannels, norm);
    hidden = conv(g, down.in('downsamplers.0.conv'), hidden, outChannels, 3, true);
  }
  return coarseLevel(g, scope, config, hidden, norm);
}

/** The level of the latents' own size: the last block's resnets, the middle and the last convolutions. */
function coarseLevel(g: Graph, scope: WeightScope, config: VaeConfig, features: Tensor, norm: NormSettings): Tensor {
  const encoder = scope.in('encoder');
  const last = encoder.in(`down_blocks.${config.channels.length - 1}`);
  let hidden = resnets(g, last, config, features, config.channels.at(-1)!, norm);
  hidden = vaeMidBlock(g, encoder.in('mid_block'), hidden, norm, config.midBlockAttention);
  hidden = normSilu(g, encoder.in('conv_norm_out'), hidden, norm);
  const moments = 2 * config.latentChannels;
  hidden = conv(g, encoder.in('conv_out'), hidden, moments, 3);
  return config.quantConv ? conv(g, scope.in('quant_conv'), hidden, moments, 1) : hidden;
}

function resnets(
  g: Graph,
  down: WeightScope,
  config: VaeConfig,
  x: Tensor,
  outChannels: number,
  norm: NormSettings,
): Tensor {
  let hidden = x;
  for (let j = 0; j < config.layersPerBlock; j++) {
    hidden = resnetBlock(g, down.in(`resnets.${j}`), hidden, { outChannels, norm });
  }
  return hidden;
}

function conv(g: Graph, scope: WeightScope, x: Tensor, outChannels: number, kernel: 1 | 3, halve = false): Tensor {
  return conv2d(g, x, convWeight(scope, outChannels, [x.shape.at(-1)!], kernel), {
    bias: scope.weight('bias', [outChannels], plainRows),
    ...(halve ? { stride: 2, padding: 'asymmetric' } : {}),
    label: scope.prefix,
  });
}
