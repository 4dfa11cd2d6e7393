import {
  attention,
  conv2d,
  convWeight,
  gegluFeedForward,
  groupNorm,
  groupNormStats,
  layerNorm,
  linear,
  linearWeight,
} from '@pleinair/kernels';
import type { Graph, Tensor, Weight, WeightScope } from '@pleinair/tensor';
import { inputShape, type OpSpec } from './op-spec.js';

/** Where an operation is recorded. */
export interface OpRecorder {
  readonly g: Graph;
  /** Weights of this link. */
  readonly scope: WeightScope;
  /** A tensor that every link reads, channels last. */
  readonly side: (name: string, shape: readonly number[]) => Tensor;
  /** A vector weight of this link. */
  readonly vector: (name: string, length: number) => Weight;
}

const groups = 32;
const layerNormEps = 1e-5;

/** Records an operation as the models do, with the kernels that they use. */
export function recordOp(recorder: OpRecorder, spec: OpSpec, x: Tensor): Tensor {
  switch (spec.op) {
    case 'product':
    case 'projection':
    case 'mlp':
    case 'gegluFeedForward':
      return recordProduct(recorder, spec, x);
    case 'groupNormSilu':
    case 'layerNorm':
      return recordNorm(recorder, spec, x);
    case 'attention': {
      const { g, side, scope } = recorder;
      const { heads, headDim, causal, keys = x.shape[1]! } = spec;
      const kv = [1, keys, heads * headDim];
      return attention(g, { q: x, k: side('k', kv), v: side('v', kv), heads, causal, label: scope.prefix });
    }
    default:
      return recordConvolution(recorder, spec, x);
  }
}

type Of<Op extends OpSpec['op']> = Extract<OpSpec, { op: Op }>;

function recordProduct(
  { g, scope, side, vector }: OpRecorder,
  spec: Of<'product' | 'projection' | 'mlp' | 'gegluFeedForward'>,
  x: Tensor,
): Tensor {
  const c = spec.channels;
  if (spec.op === 'product') return linear(g, x, linearWeight(scope, c, c), { label: scope.prefix });
  if (spec.op === 'projection') {
    const bias = spec.bias ? vector('bias', c) : undefined;
    return linear(g, x, linearWeight(scope, c, c), { bias, label: scope.prefix });
  }
  const [up, down] = [scope.in('up'), scope.in('down')];
  if (spec.op === 'mlp') {
    const { hidden, activation } = spec;
    const upOptions = { bias: vector('up.bias', hidden), activation, label: up.prefix };
    const h = linear(g, x, linearWeight(up, hidden, c), upOptions);
    return linear(g, h, linearWeight(down, c, hidden), { bias: vector('down.bias', c), label: down.prefix });
  }
  const inner = 4 * c;
  return gegluFeedForward(g, x, {
    proj: linearWeight(up, 2 * inner, c),
    projBias: vector('up.bias', 2 * inner),
    out: linearWeight(down, c, inner),
    outBias: vector('down.bias', c),
    residual: side('residual', inputShape(spec)),
    slices: 1,
    label: scope.prefix,
  });
}

function recordConvolution(
  { g, scope, side, vector }: OpRecorder,
  spec: Of<'convolution' | 'dualConvolution' | 'resample' | 'ends' | 'normConvolution'>,
  x: Tensor,
): Tensor {
  const label = scope.prefix;
  switch (spec.op) {
    case 'convolution': {
      const { channels: c, kernel } = spec;
      return conv2d(g, x, convWeight(scope, c, [c], kernel), { bias: vector('bias', c), label });
    }
    case 'dualConvolution': {
      const { side: s, channels: c, skip, kernel } = spec;
      const weight = convWeight(scope, c, [c, skip], kernel);
      return conv2d(g, x, weight, { second: side('skip', [1, s, s, skip]), bias: vector('bias', c), label });
    }
    case 'resample': {
      const [down, up] = [scope.in('down'), scope.in('up')];
      const c = spec.channels;
      const downOptions = { stride: 2 as const, bias: vector('down.bias', c), label: down.prefix };
      const half = conv2d(g, x, convWeight(down, c, [c], 3), downOptions);
      const upOptions = { upsample: 2 as const, bias: vector('up.bias', c), label: up.prefix };
      return conv2d(g, half, convWeight(up, c, [c], 3), upOptions);
    }
    case 'ends': {
      const [first, last] = [scope.in('first'), scope.in('last')];
      const { few, many } = spec;
      const firstOptions = { bias: vector('first.bias', many), label: first.prefix };
      const h = conv2d(g, x, convWeight(first, many, [few], 3), firstOptions);
      return conv2d(g, h, convWeight(last, few, [many], 3), { bias: vector('last.bias', few), label: last.prefix });
    }
    case 'normConvolution': {
      const { channels: c, eps } = spec;
      const [gamma, beta] = [vector('gamma', c), vector('beta', c)];
      const affine = groupNormStats(g, x, { gamma, beta, groups, eps, label: `${label}.norm` });
      const norm = { affine, silu: true };
      return conv2d(g, x, convWeight(scope, c, [c], 3), { bias: vector('bias', c), norm, label });
    }
  }
}

function recordNorm({ g, scope, vector }: OpRecorder, spec: Of<'groupNormSilu' | 'layerNorm'>, x: Tensor): Tensor {
  const c = spec.channels;
  const common = { gamma: vector('gamma', c), beta: vector('beta', c), label: scope.prefix };
  if (spec.op === 'layerNorm') return layerNorm(g, x, { ...common, eps: layerNormEps });
  return groupNorm(g, x, { ...common, groups, eps: spec.eps, silu: true });
}
