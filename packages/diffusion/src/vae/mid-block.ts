import { attention, groupNorm, linear, linearWeight } from '@pleinair/kernels';
import { plainRows, type Graph, type Tensor, type WeightScope } from '@pleinair/tensor';
import { resnetBlock, type NormSettings } from '../blocks/resnet-block.js';

/**
 * The VAE's middle: resnet, attention of one head as wide as the level, resnet. `[b, h, w, c]` in and out.
 *
 * @param hasAttention - Not every checkpoint has it.
 */
export function vaeMidBlock(
  g: Graph,
  scope: WeightScope,
  x: Tensor,
  norm: NormSettings,
  hasAttention: boolean,
): Tensor {
  const outChannels = x.shape.at(-1)!;
  let hidden = resnetBlock(g, scope.in('resnets.0'), x, { outChannels, norm });
  if (hasAttention) hidden = vaeAttention(g, scope.in('attentions.0'), hidden, norm);
  return resnetBlock(g, scope.in('resnets.1'), hidden, { outChannels, norm });
}

/** Attention over `[b, h, w, c]`, its input added. */
function vaeAttention(g: Graph, scope: WeightScope, x: Tensor, norm: NormSettings): Tensor {
  const channels = x.shape.at(-1)!;
  const normScope = scope.in('group_norm');
  const normed = groupNorm(g, x, {
    gamma: normScope.weight('weight', [channels], plainRows),
    beta: normScope.weight('bias', [channels], plainRows),
    groups: norm.groups,
    eps: norm.eps,
    label: normScope.prefix,
  });
  const project = (name: string, input: Tensor, residual?: Tensor): Tensor => {
    const part = scope.in(name);
    return linear(g, input, linearWeight(part, channels, channels), {
      bias: part.weight('bias', [channels], plainRows),
      residual,
      label: part.prefix,
    });
  };
  const attended = attention(g, {
    q: project('to_q', normed),
    k: project('to_k', normed),
    v: project('to_v', normed),
    heads: 1,
    label: scope.prefix,
  });
  return project('to_out.0', attended, x);
}
