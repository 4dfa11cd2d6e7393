import { attention, bandConv, convLayout, groupNormStats, wholePicture } from '@pleinair/kernels';
import {
  bytesPerElement,
  plainRows,
  rowStride,
  type Graph,
  type Tensor,
  type Weight,
  type WeightScope,
} from '@pleinair/tensor';
import type { NormSettings } from '../../blocks/resnet-block.js';

/** Bytes of queries taken at a time. */
const sliceBytes = 4.2e6;

/** Above this many bytes, keys and values of a picture in f32 are held as halves; they are products of normalised values. */
const halvesAbove = 16e6;

/**
 * The middle's attention over `x` `[1, h, w, C]`, added to `x` where it lies, with no more beside `x` than keys, values and
 * one slice of queries. The norm is applied as projections load.
 *
 * @param position - Any u32 `[1]`.
 * @param sliceRows - Rows of queries taken at a time; by default what a few megabytes hold.
 * @returns `x`.
 */
export function slicedAttention(
  g: Graph,
  scope: WeightScope,
  x: Tensor,
  norm: NormSettings,
  position: Tensor,
  sliceRows?: number,
): Tensor {
  const [, height, width, channels] = x.shape as [number, number, number, number];
  const normScope = scope.in('group_norm');
  const affine = groupNormStats(g, x, {
    gamma: normScope.weight('weight', [channels], plainRows),
    beta: normScope.weight('bias', [channels], plainRows),
    groups: norm.groups,
    eps: norm.eps,
    label: normScope.prefix,
  });
  const whole = wholePicture(x, position);
  const onLoad = { affine, silu: false };
  const lineBytes = width * rowStride(x.shape) * bytesPerElement(x.dtype);
  const outDtype = lineBytes * height > halvesAbove ? 'f16' : undefined;
  const parts = (name: string): { readonly weight: Weight; readonly bias: Weight; readonly label: string } => {
    const part = scope.in(name);
    return {
      weight: part.weight('weight', [channels, channels], convLayout([channels])),
      bias: part.weight('bias', [channels], plainRows),
      label: part.prefix,
    };
  };
  const [toQ, toK, toV, toOut] = ['to_q', 'to_k', 'to_v', 'to_out.0'].map(parts) as [
    ReturnType<typeof parts>,
    ReturnType<typeof parts>,
    ReturnType<typeof parts>,
    ReturnType<typeof parts>,
  ];
  const all = { rows: height, lag: 0, fixed: true, norm: onLoad, outDtype } as const;
  const k = bandConv(g, whole, toK.weight, { ...all, ...toK }).tensor;
  const v = bandConv(g, whole, toV.weight, { ...all, ...toV }).tensor;
  const most = sliceRows ?? Math.max(1, Math.floor(sliceBytes / lineBytes));
  for (let first = 0; first < height; first += most) {
    const slice = { rows: Math.min(most, height - first), lag: -first, fixed: true } as const;
    const q = bandConv(g, whole, toQ.weight, { ...slice, ...toQ, norm: onLoad });
    const attended = attention(g, { q: q.tensor, k, v, heads: 1, label: scope.prefix });
    bandConv(g, { ...q, tensor: attended }, toOut.weight, { ...slice, ...toOut, into: x, residual: whole });
  }
  return x;
}
