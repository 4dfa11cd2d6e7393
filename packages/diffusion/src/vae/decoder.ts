import { conv2d, convWeight } from '@pleinair/kernels';
import { plainRows, type Graph, type Tensor, type WeightScope } from '@pleinair/tensor';
import { normSilu, resnetBlock, type NormSettings } from '../blocks/resnet-block.js';
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
  const norm = { groups: config.normGroups, eps: vaeNormEps, onLoadPixels: finest, measured: true };
  const decoder = scope.in('decoder');
  const channels = [...config.channels].reverse();
  let hidden = coarseLevel(g, scope, config, latents, finest);
  for (let i = 1; i < channels.length; i++) {
    hidden = conv(g, decoder.in(`up_blocks.${i - 1}.upsamplers.0.conv`), hidden, channels[i - 1]!, 3, 2);
    hidden = resnets(g, decoder.in(`up_blocks.${i}`), config, hidden, channels[i]!, norm);
  }
  hidden = normSilu(g, decoder.in('conv_norm_out'), hidden, norm);
  return conv(g, decoder.in('conv_out'), hidden, config.imageChannels, 3);
}

/** The level of the latents' own size, `[batch, h, w, C]`: the first convolutions, the middle and the first block's resnets. */
function coarseLevel(g: Graph, scope: WeightScope, config: VaeConfig, latents: Tensor, onLoadPixels: number): Tensor {
  const norm = { groups: config.normGroups, eps: vaeNormEps, onLoadPixels };
  const decoder = scope.in('decoder');
  const channels = config.channels.at(-1)!;
  const start = config.postQuantConv
    ? conv(g, scope.in('post_quant_conv'), latents, config.latentChannels, 1)
    : latents;
  let hidden = conv(g, decoder.in('conv_in'), start, channels, 3);
  hidden = vaeMidBlock(g, decoder.in('mid_block'), hidden, norm, config.midBlockAttention);
  return resnets(g, decoder.in('up_blocks.0'), config, hidden, channels, norm);
}

function resnets(
  g: Graph,
  up: WeightScope,
  config: VaeConfig,
  x: Tensor,
  outChannels: number,
  norm: NormSettings,
): Tensor {
  let hidden = x;
  for (let j = 0; j <= config.layersPerBlock; j++) {
    hidden = resnetBlock(g, up.in(`resnets.${j}`), hidden, { outChannels, norm });
  }
  return hidden;
}

function conv(g: Graph, scope: WeightScope, x: Tensor, outChannels: number, kernel: 1 | 3, upsample?: 2): Tensor {
  return conv2d(g, x, convWeight(scope, outChannels, [x.shape.at(-1)!], kernel), {
    bias: scope.weight('bias', [outChannels], plainRows),
    upsample,
    label: scope.prefix,
  });
}
