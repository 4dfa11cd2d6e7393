import { inputShape, rowsOf, stored, type OpSpec } from '@pleinair/bench';
import type { OnnxGraph } from './onnx-graph.js';

/** Where the peer's link is written down: the same weights as ours, named alike. */
export interface PeerRecorder {
  readonly m: OnnxGraph;
  /** A tensor that every link reads; `shape` channels last, given to the peer channels first where it is a picture. */
  readonly side: (name: string, shape: readonly number[]) => string;
  readonly vector: (name: string, length: number) => string;
  /** `[n, k]` in the checkpoint, `[k, n]` here, as `MatMul` wants it. */
  readonly matrix: (name: string, n: number, k: number) => string;
  /** A weight as the checkpoint has it. */
  readonly weight: (name: string, shape: readonly number[]) => string;
}

/** With the peer's own fused operators, or as exporters write it. */
export type PeerForm = 'fused' | 'exported';

type Of<Op extends OpSpec['op']> = Extract<OpSpec, { op: Op }>;

const groups = 32;

/** The forms of an operation: which is the faster, and whether both are right, differs between adapters. */
export function peerForms(spec: OpSpec): readonly PeerForm[] {
  if (spec.op === 'attention' || spec.op === 'gegluFeedForward') return ['fused', 'exported'];
  const fusesBias = spec.op === 'mlp' && (spec.activation === 'gelu' || spec.activation === 'gelu_tanh');
  return fusesBias ? ['fused', 'exported'] : ['exported'];
}

/** Writes an operation down as exporters do; pictures are channels first. */
export function recordPeerOp(p: PeerRecorder, spec: OpSpec, x: string, form: PeerForm): string {
  switch (spec.op) {
    case 'product':
      return p.m.op('MatMul', [x, p.matrix('weight', spec.channels, spec.channels)]);
    case 'projection': {
      const y = p.m.op('MatMul', [x, p.matrix('weight', spec.channels, spec.channels)]);
      return spec.bias ? p.m.op('Add', [y, p.vector('bias', spec.channels)]) : y;
    }
    case 'mlp': {
      const { channels: c, hidden, activation } = spec;
      const up =
        form === 'fused'
          ? biasGelu(p, x, { n: hidden, k: c, tanh: activation === 'gelu_tanh' })
          : activate(p, product(p, x, 'up.', hidden, c), activation);
      return product(p, up, 'down.', c, hidden);
    }
    case 'gegluFeedForward':
      return feedForward(p, spec, x, form);
    case 'convolution':
      return conv(p, x, '', spec.channels, spec.channels, spec.kernel);
    case 'dualConvolution': {
      const { side, channels: c, skip, kernel } = spec;
      const both = p.m.op('Concat', [x, p.side('skip', [1, side, side, skip])], { axis: 1 });
      return conv(p, both, '', c, c + skip, kernel);
    }
    case 'resample':
      return resample(p, spec, x);
    case 'ends':
      return conv(p, conv(p, x, 'first.', spec.many, spec.few, 3), 'last.', spec.few, spec.many, 3);
    case 'normConvolution':
      return conv(p, groupNormSilu(p, spec, x), '', spec.channels, spec.channels, 3);
    case 'groupNormSilu':
      return groupNormSilu(p, spec, x);
    case 'layerNorm':
      return p.m.op('LayerNormalization', [x, p.vector('gamma', spec.channels), p.vector('beta', spec.channels)], {
        axis: -1,
        epsilon: { float: 1e-5 },
      });
    case 'attention':
      return form === 'fused' ? multiHeadAttention(p, spec, x) : exportedAttention(p, spec, x);
  }
}

function product(p: PeerRecorder, x: string, prefix: string, n: number, k: number): string {
  const sum = p.m.op('MatMul', [x, p.matrix(`${prefix}weight`, n, k)]);
  return p.m.op('Add', [sum, p.vector(`${prefix}bias`, n)]);
}

/** What exporters write for each; `Gelu` is what the peer itself makes of the exported form. */
function activate({ m }: PeerRecorder, x: string, activation: Of<'mlp'>['activation']): string {
  switch (activation) {
    case 'none':
      return x;
    case 'silu':
      return m.op('Mul', [x, m.op('Sigmoid', [x])]);
    case 'gelu':
      return m.op('Gelu', [x], {}, 'com.microsoft');
    case 'quick_gelu':
      return m.op('QuickGelu', [x], { alpha: { float: 1.702 } }, 'com.microsoft');
    case 'gelu_tanh':
      return m.op('FastGelu', [x], {}, 'com.microsoft');
  }
}

/** A product whose bias and GELU are one kernel of the peer's. */
function biasGelu(p: PeerRecorder, x: string, { n, k, tanh }: { n: number; k: number; tanh: boolean }): string {
  const sum = p.m.op('MatMul', [x, p.matrix('up.weight', n, k)]);
  return p.m.op(tanh ? 'FastGelu' : 'BiasGelu', [sum, p.vector('up.bias', n)], {}, 'com.microsoft');
}

function feedForward(p: PeerRecorder, spec: Of<'gegluFeedForward'>, x: string, form: PeerForm): string {
  const c = spec.channels;
  const h = form === 'fused' ? splitGelu(p, x, c) : exportedGeglu(p, x, c);
  return p.m.op('Add', [product(p, h, 'down.', c, 4 * c), p.side('residual', inputShape(spec))]);
}

/** Bias, split, GELU and product in one kernel of the peer's, for Stable Diffusion's widths. */
function splitGelu(p: PeerRecorder, x: string, c: number): string {
  const both = p.m.op('MatMul', [x, p.matrix('up.weight', 8 * c, c)]);
  return p.m.op('BiasSplitGelu', [both, p.vector('up.bias', 8 * c)], {}, 'com.microsoft');
}

function exportedGeglu(p: PeerRecorder, x: string, c: number): string {
  const inner = 4 * c;
  const both = product(p, x, 'up.', 2 * inner, c);
  const [value, gate] = p.m.node('Split', [both, p.m.integers([inner, inner])], { axis: -1 }, { outputs: 2 });
  return p.m.op('Mul', [value!, activate(p, gate!, 'gelu')]);
}

function conv(
  p: PeerRecorder,
  x: string,
  prefix: string,
  cout: number,
  cin: number,
  kernel: 1 | 3,
  stride = 1,
): string {
  const pad = (kernel - 1) / 2;
  const inputs = [x, p.weight(`${prefix}weight`, [cout, cin, kernel, kernel]), p.vector(`${prefix}bias`, cout)];
  const attributes = { kernel_shape: [kernel, kernel], pads: [pad, pad, pad, pad], strides: [stride, stride] };
  return p.m.op('Conv', inputs, attributes);
}

function resample(p: PeerRecorder, { channels: c }: Of<'resample'>, x: string): string {
  const half = conv(p, x, 'down.', c, c, 3, 2);
  const scales = p.m.constant('scales', 'f32', [4], () => Float32Array.of(1, 1, 2, 2));
  const attributes = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
  return conv(p, p.m.op('Resize', [half, '', scales], attributes), 'up.', c, c, 3);
}

/** GroupNorm and SiLU, in the form exporters write: over groups as an instance norm, then scale and shift. */
function groupNormSilu(p: PeerRecorder, spec: Of<'groupNormSilu' | 'normConvolution'>, x: string): string {
  const { m } = p;
  const { side, channels: c, eps } = spec;
  const grouped = m.op('Reshape', [x, m.integers([1, groups, -1])]);
  const fill = (name: string, value: 0 | 1): string =>
    m.constant(name, m.dtype, [groups], () => stored(new Float32Array(groups).fill(value), m.dtype));
  const ones = fill('ones', 1);
  const normalised = m.op('InstanceNormalization', [grouped, ones, fill('zeros', 0)], { epsilon: { float: eps } });
  const back = m.op('Reshape', [normalised, m.integers([1, c, side, side])]);
  const column = (name: string): string => m.op('Reshape', [p.vector(name, c), m.integers([1, c, 1, 1])]);
  const y = m.op('Add', [m.op('Mul', [back, column('gamma')]), column('beta')]);
  return m.op('Mul', [y, m.op('Sigmoid', [y])]);
}

function multiHeadAttention({ m, side }: PeerRecorder, spec: Of<'attention'>, q: string): string {
  const { queries, keys, heads, kv } = attentionSizes(spec);
  const inputs = [q, side('k', kv), side('v', kv)];
  // The provider's MultiHeadAttention takes a mask as a bias on the scores.
  if (spec.causal) inputs.push('', '', maskOf(m, queries, keys));
  return m.op('MultiHeadAttention', inputs, { num_heads: heads }, 'com.microsoft');
}

function exportedAttention({ m, side }: PeerRecorder, spec: Of<'attention'>, q: string): string {
  const { queries, keys, heads, headDim, kv } = attentionSizes(spec);
  const perHead = (x: string, tokens: number, perm: readonly number[]): string =>
    m.op('Transpose', [m.op('Reshape', [x, m.integers([1, tokens, heads, headDim])])], { perm });
  const scale = m.constant('scale', m.dtype, [1], () => stored(Float32Array.of(1 / Math.sqrt(headDim)), m.dtype));
  const k = perHead(side('k', kv), keys, [0, 2, 3, 1]);
  const scaled = m.op('Mul', [perHead(q, queries, [0, 2, 1, 3]), scale]);
  let scores = m.op('MatMul', [scaled, k]);
  if (spec.causal) scores = m.op('Add', [scores, maskOf(m, queries, keys)]);
  const weights = m.op('Softmax', [scores], { axis: -1 });
  const y = m.op('MatMul', [weights, perHead(side('v', kv), keys, [0, 2, 1, 3])]);
  return m.op('Reshape', [m.op('Transpose', [y], { perm: [0, 2, 1, 3] }), m.integers([1, queries, heads * headDim])]);
}

function attentionSizes({ rows, keys: given, heads, headDim }: Of<'attention'>): {
  readonly queries: number;
  readonly keys: number;
  readonly heads: number;
  readonly headDim: number;
  readonly kv: readonly number[];
} {
  const queries = rowsOf(rows);
  const keys = given ?? queries;
  return { queries, keys, heads, headDim, kv: [1, keys, heads * headDim] };
}

/** Large negative numbers above the diagonal, as a bias on the scores. */
function maskOf(m: OnnxGraph, queries: number, keys: number): string {
  return m.constant('mask', m.dtype, [1, 1, queries, keys], () =>
    stored(
      Float32Array.from({ length: queries * keys }, (_, i) => (i % keys > Math.floor(i / keys) ? -1e4 : 0)),
      m.dtype,
    ),
  );
}
