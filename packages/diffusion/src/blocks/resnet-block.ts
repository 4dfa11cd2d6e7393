import { convWeight, conv2d, groupNorm, linear, linearWeight } from '@pleinair/kernels';
import { plainRows, type Graph, type Tensor, type WeightScope } from '@pleinair/tensor';

/** What all blocks of one network share. */
export interface NormSettings {
  readonly groups: number;
  readonly eps: number;
}

/** GroupNorm then SiLU of `x` (and `second`, as if concatenated), with the scope's `weight` and `bias`. */
export function normSilu(g: Graph, scope: WeightScope, x: Tensor, norm: NormSettings, second?: Tensor): Tensor {
  const channels = x.shape.at(-1)! + (second?.shape.at(-1) ?? 0);
  return groupNorm(g, x, {
    gamma: scope.weight('weight', [channels], plainRows),
    beta: scope.weight('bias', [channels], plainRows),
    groups: norm.groups,
    eps: norm.eps,
    silu: true,
    second,
    label: scope.prefix,
  });
}

/**
 * diffusers' ResnetBlock2D: norm, SiLU, 3×3, + time embedding, norm, SiLU, 3×3, + shortcut.
 *
 * @param x - `[batch, h, w, c]`.
 * @param second - A skip tensor `[batch, h, w, c2]` that stands for the rest of a concatenation.
 * @param timeEmbedding - `[batch, e]` before its SiLU; absent in the VAE.
 * @returns `[batch, h, w, outChannels]`.
 */
export function resnetBlock(
  g: Graph,
  scope: WeightScope,
  x: Tensor,
  options: { outChannels: number; norm: NormSettings; timeEmbedding?: Tensor; second?: Tensor },
): Tensor {
  const { outChannels, norm, timeEmbedding, second } = options;
  const inputs = second ? [x.shape.at(-1)!, second.shape.at(-1)!] : [x.shape.at(-1)!];
  const inChannels = inputs.reduce((a, b) => a + b, 0);

  const perImage = timeEmbedding && timeProjection(g, scope.in('time_emb_proj'), timeEmbedding, outChannels);
  const normed = normSilu(g, scope.in('norm1'), x, norm, second); // [batch, h, w, inChannels]
  const conv1 = scope.in('conv1');
  const hidden = conv2d(g, normed, convWeight(conv1, outChannels, [inChannels], 3), {
    bias: conv1.weight('bias', [outChannels], plainRows),
    perImage,
    label: conv1.prefix,
  });

  // The shortcut is recorded late so that its result is not alive during the first half.
  const normed2 = normSilu(g, scope.in('norm2'), hidden, norm);
  let shortcut = x;
  if (inChannels !== outChannels || second) {
    const conv = scope.in('conv_shortcut');
    shortcut = conv2d(g, x, convWeight(conv, outChannels, inputs, 1), {
      bias: conv.weight('bias', [outChannels], plainRows),
      second,
      label: conv.prefix,
    });
  }
  const conv2 = scope.in('conv2');
  return conv2d(g, normed2, convWeight(conv2, outChannels, [outChannels], 3), {
    bias: conv2.weight('bias', [outChannels], plainRows),
    residual: shortcut,
    label: conv2.prefix,
  });
}

function timeProjection(g: Graph, scope: WeightScope, timeEmbedding: Tensor, outChannels: number): Tensor {
  return linear(g, timeEmbedding, linearWeight(scope, outChannels, timeEmbedding.shape.at(-1)!), {
    bias: scope.weight('bias', [outChannels], plainRows),
    preActivation: 'silu',
    label: scope.prefix,
  });
}
