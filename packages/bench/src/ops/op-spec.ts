import type { Activation } from '@pleinair/kernels';

/** How many rows: a square picture's pixels by its side, or a plain count, such as tokens of text. */
export type Extent = { readonly side: number } | { readonly count: number };

/**
 * An operation and its sizes, as data: each engine has its own way to do it. What comes out has the shape of what goes
 * in, so that one can feed the next. One picture; channels last.
 */
export type OpSpec =
  /** `[n, n] · [n, n]` with `n` rows at full scale, no bias. */
  | { readonly op: 'product'; readonly rows: Extent; readonly channels: number }
  /** A projection of its own width; `[1, rows, c]` as all that have `rows`. */
  | { readonly op: 'projection'; readonly rows: Extent; readonly channels: number; readonly bias: boolean }
  /** Two projections with an activation between, as in text encoders and time embeddings. */
  | {
      readonly op: 'mlp';
      readonly rows: Extent;
      readonly channels: number;
      readonly hidden: number;
      readonly activation: Activation;
    }
  /** The feed-forward of a transformer block: GEGLU to four times the width and back, onto a residual. */
  | { readonly op: 'gegluFeedForward'; readonly rows: Extent; readonly channels: number }
  /** A convolution of its own width; `[1, side, side, c]` as all that have `side`. */
  | { readonly op: 'convolution'; readonly side: number; readonly channels: number; readonly kernel: 1 | 3 }
  /** A convolution over the running tensor and a skip connection, read as if concatenated. */
  | {
      readonly op: 'dualConvolution';
      readonly side: number;
      readonly channels: number;
      readonly skip: number;
      readonly kernel: 1 | 3;
    }
  /** A 3×3 convolution of stride 2, then one over the picture doubled by nearest neighbour. */
  | { readonly op: 'resample'; readonly side: number; readonly channels: number }
  /** A UNet's ends: 3×3 from few channels to many, and back. */
  | { readonly op: 'ends'; readonly side: number; readonly few: number; readonly many: number }
  /** GroupNorm and SiLU, then the 3×3 convolution that reads it, as a residual block has them. */
  | { readonly op: 'normConvolution'; readonly side: number; readonly channels: number; readonly eps: number }
  /** softmax(q·kᵀ/√d)·v over keys and values that stay the same; `keys` absent: as many as queries. */
  | {
      readonly op: 'attention';
      readonly rows: Extent;
      readonly keys?: number;
      readonly heads: number;
      readonly headDim: number;
      readonly causal?: boolean;
    }
  | { readonly op: 'groupNormSilu'; readonly side: number; readonly channels: number; readonly eps: number }
  | { readonly op: 'layerNorm'; readonly rows: Extent; readonly channels: number };

/** How many rows an extent has. */
export function rowsOf(extent: Extent): number {
  return 'side' in extent ? extent.side ** 2 : extent.count;
}

/** Shape of what goes into an operation and comes out of it, channels last. */
export function inputShape(spec: OpSpec): readonly number[] {
  if ('side' in spec) return [1, spec.side, spec.side, spec.op === 'ends' ? spec.few : spec.channels];
  return [1, rowsOf(spec.rows), spec.op === 'attention' ? spec.heads * spec.headDim : spec.channels];
}

/**
 * The same operation, smaller in space only: sides divided, and where there is no picture, rows. Channels, heads and keys
 * of text stay as they are.
 */
export function scaled(spec: OpSpec, divisor: number): OpSpec {
  const part = (size: number): number => Math.max(1, Math.ceil(size / divisor));
  if ('side' in spec) return { ...spec, side: part(spec.side) };
  const rows = 'side' in spec.rows ? { side: part(spec.rows.side) } : { count: part(spec.rows.count) };
  return { ...spec, rows };
}

/** What {@link scaled} did, in words: `sides ÷4`; nothing for 1. */
export function scaleNote(spec: OpSpec, divisor: number): string {
  if (divisor === 1) return '';
  return `${'side' in spec || 'side' in spec.rows ? 'sides' : 'rows'} ÷${divisor}`;
}
