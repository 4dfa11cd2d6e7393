import { convWeight, conv2d, groupNorm, groupNormStats, narrowConv, type ImageRows } from '@pleinair/kernels';
import { plainRows, type Graph, type Tensor, type WeightScope } from '@pleinair/tensor';

/** What all blocks of one network share. */
export interface NormSettings {
  readonly groups: number;
  readonly eps: number;
  /**
   * From this many pixels an image on, a norm before a convolution is applied as the convolution loads, and its output is
   * never written: that is where the largest tensors are. Below, writing it once is cheaper than normalising every
   * element for each of nine taps.
   */
  readonly onLoadPixels?: number;
  /**
   * Whoever writes a tensor that is normalised next also leaves its channels' statistics, so that it is not read once more
   * for them.
   */
  readonly measured?: boolean;
}

/**
 * A 3×3 convolution of the normalised, SiLU-activated `x` (and `second`, as if concatenated).
 *
 * @param scopes - Where the norm's and the convolution's weights are.
 * @returns `[batch, h, w, outChannels]`.
 */
export function normSiluConv(
  g: Graph,
  scopes: { readonly norm: WeightScope; readonly conv: WeightScope },
  x: Tensor,
  options: {
    readonly outChannels: number;
    readonly norm: NormSettings;
    readonly second?: Tensor;
    readonly perImage?: ImageRows;
    readonly residual?: () => Tensor;
    readonly outDtype?: 'f16' | 'f32';
    /** The result is normalised next: it is measured where the settings say so. */
    readonly normalisedNext?: boolean;
  },
): Tensor {
  const { outChannels, norm, second, perImage, outDtype } = options;
  const measured = options.normalisedNext === true && norm.measured === true;
  const { conv } = scopes;
  const inputs = second ? [x.shape.at(-1)!, second.shape.at(-1)!] : [x.shape.at(-1)!];
  const channels = inputs.reduce((a, b) => a + b, 0);
  const bias = conv.weight('bias', [outChannels], plainRows);
  const label = conv.prefix;
  if (normsOnLoad(g, x, norm)) {
    const affine = groupNormStats(g, x, {
      gamma: scopes.norm.weight('weight', [channels], plainRows),
      beta: scopes.norm.weight('bias', [channels], plainRows),
      groups: norm.groups,
      eps: norm.eps,
      second,
      label: scopes.norm.prefix,
    });
    const residual = options.residual?.();
    const weight = convWeight(conv, outChannels, inputs, 3);
    const onLoad = { affine, silu: true };
    return conv2d(g, x, weight, { bias, second, perImage, residual, outDtype, norm: onLoad, measured, label });
  }
  const normed = normSilu(g, scopes.norm, x, norm, second); // [batch, h, w, channels]
  const residual = options.residual?.();
  const weight = convWeight(conv, outChannels, [channels], 3);
  return conv2d(g, normed, weight, { bias, perImage, residual, outDtype, measured, label });
}

/** Whether a norm of `x` before a convolution is applied as the convolution loads. */
function normsOnLoad(g: Graph, x: Tensor, norm: NormSettings): boolean {
  return !g.visibleInputs && x.shape[1]! * x.shape[2]! >= (norm.onLoadPixels ?? Infinity);
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
 * @param normalisedNext - The result goes into a norm; true by default.
 * @param perImage - `[batch, outChannels]`, the block's `time_emb_proj`, made beforehand; absent in the VAE.
 * @returns `[batch, h, w, outChannels]`.
 */
export function resnetBlock(
  g: Graph,
  scope: WeightScope,
  x: Tensor,
  options: {
    outChannels: number;
    norm: NormSettings;
    perImage?: ImageRows;
    second?: Tensor;
    normalisedNext?: boolean;
  },
): Tensor {
  const { outChannels, norm, perImage, second, normalisedNext = true } = options;
  const inputs = second ? [x.shape.at(-1)!, second.shape.at(-1)!] : [x.shape.at(-1)!];
  const inChannels = inputs.reduce((a, b) => a + b, 0);

  const first = { norm: scope.in('norm1'), conv: scope.in('conv1') };
  const hidden = normSiluConv(g, first, x, { outChannels, norm, second, perImage, normalisedNext: true });
  return normSiluConv(g, { norm: scope.in('norm2'), conv: scope.in('conv2') }, hidden, {
    outChannels,
    norm,
    normalisedNext,
    // Recorded late, so that its result is not alive during the first half.
    residual: () =>
      inChannels !== outChannels || second ? shortcut(g, scope.in('conv_shortcut'), x, second, outChannels, norm) : x,
  });
}

function shortcut(
  g: Graph,
  scope: WeightScope,
  x: Tensor,
  second: Tensor | undefined,
  outChannels: number,
  norm: NormSettings,
): Tensor {
  const inputs = second ? [x.shape.at(-1)!, second.shape.at(-1)!] : [x.shape.at(-1)!];
  const weight = convWeight(scope, outChannels, inputs, 1);
  const bias = scope.weight('bias', [outChannels], plainRows);
  const label = scope.prefix;
  // Where memory decides, the narrower sum is written over what it is made of.
  if (!second && normsOnLoad(g, x, norm) && outChannels < inputs[0]!) return narrowConv(g, x, weight, { bias, label });
  return conv2d(g, x, weight, { bias, second, label });
}
