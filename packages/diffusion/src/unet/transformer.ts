import {
  attention,
  conv2d,
  convWeight,
  gegluFeedForward,
  groupNorm,
  layerNorm,
  linear,
  linearWeight,
} from '@pleinair/kernels';
import { plainRows, type Graph, type Tensor, type Weight, type WeightScope } from '@pleinair/tensor';

const layerNormEps = 1e-5;
const groupNormEps = 1e-6; // Transformer2DModel's own, not the UNet's norm_eps

/** What cross-attention attends to, and the segment in which its keys and values are made: once a prompt. */
export interface CrossContext {
  /** `[batch, tokens, crossAttentionDim]`. */
  readonly states: Tensor;
  readonly segment: string;
  /** Tells apart the stored keys and values of two guidance halves that run in turn. */
  readonly suffix: string;
}

/**
 * diffusers' Transformer2DModel on `[batch, h, w, c]`: GroupNorm, projection in, transformer blocks, projection out, +x.
 */
export function transformer2d(
  g: Graph,
  scope: WeightScope,
  x: Tensor,
  options: {
    heads: number;
    layers: number;
    groups: number;
    linearProjection: boolean;
    /** See `NormSettings`. */
    measured?: boolean;
    context: CrossContext;
  },
): Tensor {
  const channels = x.shape.at(-1)!;
  const normScope = scope.in('norm');
  const normed = groupNorm(g, x, {
    gamma: normScope.weight('weight', [channels], plainRows),
    beta: normScope.weight('bias', [channels], plainRows),
    groups: options.groups,
    eps: groupNormEps,
    label: normScope.prefix,
  });
  let hidden = projection(g, scope.in('proj_in'), normed, options.linearProjection);
  for (let i = 0; i < options.layers; i++) {
    hidden = transformerBlock(g, scope.in(`transformer_blocks.${i}`), hidden, options.heads, options.context);
  }
  return projection(g, scope.in('proj_out'), hidden, options.linearProjection, {
    residual: x,
    measured: options.measured,
  });
}

/** A 1×1 convolution or a linear layer: the same product here, but the checkpoint's shapes differ. */
function projection(
  g: Graph,
  scope: WeightScope,
  x: Tensor,
  asLinear: boolean,
  after: { residual?: Tensor; measured?: boolean } = {},
): Tensor {
  const channels = x.shape.at(-1)!;
  const bias = scope.weight('bias', [channels], plainRows);
  const label = scope.prefix;
  return asLinear
    ? linear(g, x, linearWeight(scope, channels, channels), { bias, ...after, label })
    : conv2d(g, x, convWeight(scope, channels, [channels], 1), { bias, ...after, label });
}

/** diffusers' BasicTransformerBlock: self-attention, cross-attention, GEGLU feed-forward, each on a LayerNorm and added. */
function transformerBlock(g: Graph, scope: WeightScope, x: Tensor, heads: number, context: CrossContext): Tensor {
  const channels = x.shape.at(-1)!;
  let hidden = x;

  const self = scope.in('attn1');
  const normed1 = norm(g, scope.in('norm1'), hidden);
  const attended = attention(g, {
    q: unbiased(g, self.in('to_q'), normed1, channels),
    k: unbiased(g, self.in('to_k'), normed1, channels),
    v: unbiased(g, self.in('to_v'), normed1, channels),
    heads,
    label: self.prefix,
  });
  hidden = biased(g, self.in('to_out.0'), attended, hidden);

  const cross = scope.in('attn2');
  const stored = (name: 'to_k' | 'to_v'): Tensor =>
    g.within(context.segment, () => unbiased(g, cross.in(name), context.states, channels, context.suffix));
  const [k, v] = [stored('to_k'), stored('to_v')];
  const normed2 = norm(g, scope.in('norm2'), hidden);
  const crossed = attention(g, {
    q: unbiased(g, cross.in('to_q'), normed2, channels),
    k,
    v,
    heads,
    label: cross.prefix,
  });
  hidden = biased(g, cross.in('to_out.0'), crossed, hidden);

  return feedForward(g, scope, norm(g, scope.in('norm3'), hidden), hidden);
}

/**
 * Above this many rows the inner activations, four times as wide as the block, are made in two halves: they are what the
 * finest level with attention would peak at. Below it the weights would cross the bus twice for little.
 */
const rowsToSlice = 4096;

function feedForward(g: Graph, scope: WeightScope, normed: Tensor, residual: Tensor): Tensor {
  const channels = residual.shape.at(-1)!;
  const inner = channels * 4;
  const proj = scope.in('ff.net.0.proj');
  const out = scope.in('ff.net.2');
  const rows = residual.shape.slice(0, -1).reduce((a, b) => a * b, 1);
  return gegluFeedForward(g, normed, {
    proj: linearWeight(proj, inner * 2, channels),
    projBias: proj.weight('bias', [inner * 2], plainRows),
    out: linearWeight(out, channels, inner),
    outBias: out.weight('bias', [channels], plainRows),
    residual,
    slices: rows >= rowsToSlice ? 2 : 1,
    label: scope.in('ff').prefix,
  });
}

function norm(g: Graph, scope: WeightScope, x: Tensor): Tensor {
  const channels = x.shape.at(-1)!;
  return layerNorm(g, x, {
    gamma: scope.weight('weight', [channels], plainRows),
    beta: scope.weight('bias', [channels], plainRows),
    eps: layerNormEps,
    label: scope.prefix,
  });
}

function unbiased(g: Graph, scope: WeightScope, x: Tensor, outChannels: number, suffix = ''): Tensor {
  return linear(g, x, linearWeight(scope, outChannels, x.shape.at(-1)!), { label: scope.prefix + suffix });
}

function biased(g: Graph, scope: WeightScope, x: Tensor, residual: Tensor): Tensor {
  const channels = residual.shape.at(-1)!;
  const bias: Weight = scope.weight('bias', [channels], plainRows);
  return linear(g, x, linearWeight(scope, channels, x.shape.at(-1)!), { bias, residual, label: scope.prefix });
}
