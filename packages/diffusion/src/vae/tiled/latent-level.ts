import {
  bandConv,
  bandNormSilu,
  bandOfWhole,
  bandToWhole,
  convLayout,
  convWeight,
  groupMoments,
  momentsAffine,
  nextCode,
  recodeBand,
  wholePicture,
  type BandConvOptions,
  type BandTensor,
} from '@pleinair/kernels';
import { plainRows, type Graph, type Tensor, type WeightScope } from '@pleinair/tensor';
import type { NormSettings } from '../../blocks/resnet-block.js';
import type { LevelSizes } from './level-sizes.js';
import { bandSteps, type BandStep } from './run-bands.js';

/** A picture of the latents' size that lies in the arena whole. */
export interface LevelPicture {
  /** `[1, h, w, C]`, as the graph computes or in halves. */
  readonly whole: BandTensor;
  /** Scale and shift f32 `[1, 2, C']` that make values of what is stored (`nextCode`); without, it is the values. */
  readonly code: Tensor | undefined;
  /** Of what is stored, f32 `[groups, 4]`. */
  readonly moments: Tensor;
}

/** Rows that a 3×3 convolution reads beyond a band, and rows that it keeps of its input for the next band. */
const around = 1;
const keptRows = 2;

/**
 * The layers of a VAE at the latents' own size, for pictures of any: one tensor of that size is kept (two where attention
 * reads one while it writes the other), and every layer is worked through in bands. Norms are exact: a resnet block's first
 * convolution is done once to measure what it gives and again to go on, and a sum is measured as it is written.
 *
 * Each layer is a few segments of the graph, to be run in the order of {@link steps}.
 */
export class LatentLevel {
  readonly steps: BandStep[] = [];

  /**
   * @param position - u32 `[1]`: the number of the band.
   * @param size - Of the latents.
   */
  constructor(
    readonly graph: Graph,
    readonly norm: NormSettings,
    readonly position: Tensor,
    readonly size: { readonly height: number; readonly width: number },
    readonly sizes: LevelSizes,
  ) {}

  /** Begins a segment that runs once a band, for a layer that lags so many rows behind its input. */
  begin(name: string, lag: number): void {
    const bands = Math.ceil((this.size.height + lag) / this.sizes.rows);
    this.graph.segment(name);
    this.graph.repeat(name, bands);
    this.steps.push(...bandSteps(name, bands));
  }

  /**
   * A resnet block, written over its input where that is as wide.
   *
   * @param x - Is gone afterwards.
   */
  resnet(scope: WeightScope, x: LevelPicture, outChannels: number): LevelPicture {
    const { graph: g, norm } = this;
    const { rows } = this.sizes;
    const [conv1, conv2, norm2] = ['conv1', 'conv2', 'norm2'].map((name) => scope.in(name)) as [
      WeightScope,
      WeightScope,
      WeightScope,
    ];
    const found = this.momentsOf(norm2.prefix);
    this.begin(conv1.prefix, 0);
    groupMoments(g, this.firstHalf(scope, x, outChannels), {
      groups: norm.groups,
      into: found,
      label: `${norm2.prefix}/moments`,
    });
    this.begin(conv2.prefix, 1);
    const { width } = this.size;
    const carry = g.hold(g.tensor(`${conv1.prefix}/kept`, [1, keptRows, width, outChannels]));
    const hidden = this.firstHalf(scope, x, outChannels, carry);
    const affine = this.affine(norm2, { moments: found, code: undefined }, outChannels);
    const normed = bandNormSilu(g, hidden, affine, { label: norm2.prefix });
    const adds = x.whole.tensor.shape.at(-1) === outChannels;
    const residual = adds
      ? undefined
      : this.conv(scope.in('conv_shortcut'), x.whole, { outChannels, kernel: 1, rows, lag: 1, norm: decoded(x) });
    const sum = this.conv(conv2, normed, { outChannels, kernel: 3, rows, lag: 1, residual });
    // What a band reads of the picture lies below all that bands before it wrote: the sum may be written over it.
    return this.keep(sum, { label: scope.prefix, ...(adds ? { onto: x, into: x.whole.tensor } : {}) });
  }

  /** A resnet block's norm and first convolution, from a whole picture. */
  private firstHalf(scope: WeightScope, x: LevelPicture, outChannels: number, carry?: Tensor): BandTensor {
    const normed = this.normed(scope.in('norm1'), x);
    return this.conv(scope.in('conv1'), normed, { outChannels, kernel: 3, rows: this.sizes.rows, lag: 0, carry });
  }

  /** GroupNorm and SiLU of a band of a whole picture, with the rows that a 3×3 convolution reads around it. */
  normed(scope: WeightScope, x: LevelPicture): BandTensor {
    const affine = this.affine(scope, x, x.whole.tensor.shape.at(-1)!);
    return bandOfWhole(this.graph, x.whole, {
      rows: this.sizes.rows,
      around,
      norm: { affine, silu: true },
      outDtype: this.graph.dtype,
      label: scope.prefix,
    });
  }

  /** A convolution with the weights of a scope; a linear layer's where `linear`. */
  conv(
    scope: WeightScope,
    x: BandTensor,
    options: Omit<BandConvOptions, 'label' | 'bias' | 'outDtype'> & {
      readonly outChannels: number;
      readonly kernel: 1 | 3;
      readonly linear?: boolean;
    },
  ): BandTensor {
    const { outChannels, kernel, linear, ...rest } = options;
    const channels = x.tensor.shape.at(-1)!;
    const weight = linear
      ? scope.weight('weight', [outChannels, channels], convLayout([channels]))
      : convWeight(scope, outChannels, [channels], kernel);
    const bias = scope.weight('bias', [outChannels], plainRows);
    return bandConv(this.graph, x, weight, { ...rest, bias, outDtype: this.graph.dtype, label: scope.prefix });
  }

  /** Scale and shift `[1, 2, C']` of a scope's norm, for what is stored of a picture. */
  affine(scope: WeightScope, { moments, code }: Pick<LevelPicture, 'moments' | 'code'>, channels: number): Tensor {
    return momentsAffine(this.graph, moments, {
      gamma: scope.weight('weight', [channels], plainRows),
      beta: scope.weight('bias', [channels], plainRows),
      eps: this.norm.eps,
      code,
      label: `${scope.prefix}/affine`,
    });
  }

  /**
   * Stores a band of a picture where it belongs, and measures it.
   *
   * @param options.onto - A picture that is added.
   * @param options.into - The tensor to write to; by default one of its own.
   * @param options.code - The code to store it in; by default, where the level is kept in halves, one by the moments of
   *   what it is added to.
   */
  keep(
    band: BandTensor,
    options: { readonly onto?: LevelPicture; readonly into?: Tensor; readonly code?: Tensor; readonly label: string },
  ): LevelPicture {
    const { graph: g, norm, sizes } = this;
    const { onto, label } = options;
    const channels = band.tensor.shape.at(-1)!;
    const next = (x: LevelPicture): Tensor =>
      nextCode(g, x.moments, { channels, before: x.code, label: `${label}/code` });
    const code = options.code ?? (sizes.halves && onto ? next(onto) : undefined);
    const stored = onto || code ? recodeBand(g, band, { onto, code, label: `${label}/sum` }) : band;
    const moments = this.momentsOf(label);
    groupMoments(g, stored, { groups: norm.groups, into: moments, label: `${label}/moments` });
    const shape = [1, this.size.height, this.size.width, channels];
    const into = options.into ?? g.hold(g.tensor(label, shape, sizes.halves ? 'f16' : g.dtype));
    return { whole: bandToWhole(g, stored, { into, label: `${label}/kept` }), code, moments };
  }

  private momentsOf(label: string): Tensor {
    return this.graph.state(`moments.${label}`, [this.norm.groups, 4], 'f32');
  }

  /** A picture that is there whole, as a band. */
  whole(tensor: Tensor): BandTensor {
    return wholePicture(tensor, this.position);
  }
}

/** What makes values of what is stored, as a convolution loads. */
export function decoded({
  code,
}: Pick<LevelPicture, 'code'>): { readonly affine: Tensor; readonly silu: false } | undefined {
  return code && { affine: code, silu: false };
}
