import { bandConv, bandNormSilu, convWeight, type BandTensor, type NormOnLoad } from '@pleinair/kernels';
import { plainRows, type Graph, type Tensor, type WeightScope } from '@pleinair/tensor';

/** Scale and shift `[1, 2, C]` by which a norm of this checkpoint scope is applied to a band. */
export type NormOfBand = (scope: WeightScope, x: BandTensor) => Tensor;

/** How a picture's layers are walked: whole, or in bands from top to bottom. */
export interface BandWalk {
  readonly graph: Graph;
  /** `bands`: each layer lags behind the one before by the rows it must wait for, and hands rows on to the next band. */
  readonly mode: 'whole' | 'bands';
  readonly normOf: NormOfBand;
}

/** Rows a 3×3 convolution needs of the band before. */
const keptRows = 2;

/** With fewer output channels than this, SiLU for every tap is more work than the convolution. */
const fewestOnLoad = 64;

/** How a layer reads its input. */
export interface BandLayerOptions {
  readonly outChannels: number;
  readonly kernel: 1 | 3;
  readonly upsample?: 2;
  /** Zeros above and left; see `bandConv`. */
  readonly stride?: 2;
  /** Applied to every value as it is read. */
  readonly onLoad?: NormOnLoad;
  readonly residual?: BandTensor;
  /** The next layer reads no rows beyond the band's own. */
  readonly last?: boolean;
  /** New rows of a band, where the input is a whole picture. */
  readonly rows?: number;
}

/** A convolution of a band, or of a whole picture, with the weights of a scope. */
export function bandLayer(walk: BandWalk, scope: WeightScope, x: BandTensor, options: BandLayerOptions): BandTensor {
  const { graph: g, mode } = walk;
  const { outChannels, kernel, upsample, stride = 1, onLoad, residual } = options;
  const { tensor, window } = x;
  const [, , width, channels] = tensor.shape as [number, number, number, number];
  const scale = (upsample ?? 1) / stride;
  const common = {
    bias: scope.weight('bias', [outChannels], plainRows),
    upsample,
    stride,
    // diffusers' VAE pads only below and to the right before it halves.
    ...(stride === 2 ? { pad: 0 } : {}),
    norm: onLoad,
    outDtype: g.dtype,
    residual,
    label: scope.prefix,
  } as const;
  const weight = convWeight(scope, outChannels, [channels], kernel);
  if (mode === 'whole') return bandConv(g, x, weight, { ...common, rows: window.height * scale, lag: 0, fixed: true });
  const fromWhole = window.step === 0;
  const rows = fromWhole ? options.rows! : window.step * scale;
  const lag = fromWhole ? 0 : bandLag(window.offset - window.keep, window.keep, { kernel, upsample, stride, residual });
  const carry = options.last
    ? undefined
    : g.hold(g.tensor(`${scope.prefix}/kept`, [1, keptRows, width * scale, outChannels]));
  return bandConv(g, x, weight, { ...common, rows, lag, carry });
}

/** Rows by which a layer's output lags, its input's new rows lagging by `lag` and `keep` older ones being there. */
function bandLag(
  lag: number,
  keep: number,
  layer: { kernel: 1 | 3; upsample?: 2; stride: 1 | 2; residual?: BandTensor },
): number {
  if (layer.upsample) return 2 * lag + 1;
  // Row y of a halved picture needs rows up to 2y + 2.
  if (layer.stride === 2) return Math.ceil((lag + 1) / 2);
  // A 1×1 shortcut gives the rows that the two 3×3 convolutions beside it will.
  return layer.kernel === 3 ? lag + 1 : lag + keep;
}

/**
 * A 3×3 convolution of a normalised band. Where the norm's output would be the largest tensor of all, at a narrowing
 * convolution, it is applied as the convolution loads; elsewhere writing it once is cheaper than nine taps of SiLU.
 */
export function bandNormConv(
  walk: BandWalk,
  scopes: { readonly norm: WeightScope; readonly conv: WeightScope },
  x: BandTensor,
  options: Omit<BandLayerOptions, 'onLoad' | 'kernel'>,
): BandTensor {
  const affine = walk.normOf(scopes.norm, x);
  if (x.tensor.shape.at(-1)! > options.outChannels && options.outChannels >= fewestOnLoad) {
    return bandLayer(walk, scopes.conv, x, { ...options, kernel: 3, onLoad: { affine, silu: true } });
  }
  const normed = bandNormSilu(walk.graph, x, affine, { label: scopes.norm.prefix });
  return bandLayer(walk, scopes.conv, normed, { ...options, kernel: 3 });
}

/** A resnet block over a band; the window that comes out lags two rows behind. */
export function bandResnet(walk: BandWalk, scope: WeightScope, x: BandTensor, outChannels: number): BandTensor {
  const first = { norm: scope.in('norm1'), conv: scope.in('conv1') };
  const hidden = bandNormConv(walk, first, x, { outChannels });
  const residual =
    x.tensor.shape.at(-1) === outChannels
      ? x
      : bandLayer(walk, scope.in('conv_shortcut'), x, { outChannels, kernel: 1, last: true });
  const second = { norm: scope.in('norm2'), conv: scope.in('conv2') };
  return bandNormConv(walk, second, hidden, { outChannels, residual });
}
