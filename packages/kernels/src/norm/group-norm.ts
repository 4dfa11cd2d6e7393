import { rowCount, type Dispatch, type Graph, type LowerContext, type Tensor, type Weight } from '@pleinair/tensor';
import { columnsOf } from '../shader/columns.js';
import { expectBindable, mostBoundRows } from '../shader/row-bands.js';
import { expectShape, expectThat, expectWeightShape } from '../shader/shape-checks.js';
import { statisticsOf } from './channel-statistics.js';
import { groupApply } from './group-apply.js';
import { foldScaleShift, partialMoments } from './group-statistics.js';
import { chunkImages } from './image-chunks.js';

/** Options of {@link groupNormStats}. */
export interface GroupNormStatsOptions {
  /** Scale and shift per channel, `[C]` (or `[C1 + C2]` with `second`), layout `plainRows`. */
  readonly gamma: Weight;
  readonly beta: Weight;
  readonly groups: number;
  readonly eps: number;
  /** Normalised together with `x` as if its channels stood after `x`'s. Same shape but for the channels. */
  readonly second?: Tensor;
  /** Where in the model this stands. */
  readonly label: string;
}

/** Options of {@link groupNorm}. */
export interface GroupNormOptions extends GroupNormStatsOptions {
  /** Applies SiLU to the normalised value. */
  readonly silu?: boolean;
}

/**
 * GroupNorm (and SiLU) of channels-last activations: `[batch, …, C]` → the same shape, `[batch, …, C1 + C2]` with
 * `second`. Statistics in f32. The output may take over `x`'s storage.
 *
 * @returns A tensor of `x`'s dtype.
 * @throws ShapeError when the groups do not divide the channels or shapes disagree.
 */
export function groupNorm(g: Graph, x: Tensor, options: GroupNormOptions): Tensor {
  const { second, label, silu = false } = options;
  const sizes = checked('groupNorm', x, options);
  const out = g.tensor(label, [...x.shape.slice(0, -1), sizes.channels], x.dtype);
  const inputs = second ? [x, second] : [x];
  g.add({
    op: silu ? 'groupNormSilu' : 'groupNorm',
    label,
    inputs: [...inputs, ...(statisticsAlone(inputs) ?? [])],
    weights: [options.gamma, options.beta],
    outputs: [out],
    inPlace: second ? undefined : x,
    lower(context) {
      if (sizes.images * sizes.rows === 0 || sizes.channels === 0) return [];
      const slots = slotCount(inputs);
      const scaleShift = context.scratch('scale-shift', [sizes.images, 2, slots], 'f32');
      const mostRows = mostBoundRows('groupNorm', [...inputs, out], context.profile);
      const chunks = chunkImages(sizes.images, sizes.rows, columnsOf(out), context.profile, mostRows, 8);
      return [
        ...statistics(context, options, inputs, sizes, scaleShift),
        ...groupApply(
          { x, second, scaleShift, out, inPlace: context.inPlace, silu, chunks, mostRows },
          context.profile,
        ),
      ];
    },
  });
  return out;
}

/**
 * GroupNorm's statistics alone, folded with γ and β into one scale `a` and shift `b` per channel, for consumers that
 * normalise as they load: `x·a + b`.
 *
 * @returns f32 `[batch, 2, P]`: scales, then shifts. `P` counts `x`'s channels rounded up to a multiple of 4, then
 * `second`'s likewise, so that each input's columns can be read as whole vec4s; pad lanes are zero.
 * @throws ShapeError when the groups do not divide the channels or shapes disagree.
 */
export function groupNormStats(g: Graph, x: Tensor, options: GroupNormStatsOptions): Tensor {
  const sizes = checked('groupNormStats', x, options);
  const inputs = options.second ? [x, options.second] : [x];
  const out = g.tensor(options.label, [sizes.images, 2, slotCount(inputs)], 'f32');
  g.add({
    op: 'groupNormStats',
    label: options.label,
    inputs: statisticsAlone(inputs) ?? inputs,
    weights: [options.gamma, options.beta],
    outputs: [out],
    lower(context) {
      if (sizes.images * sizes.rows === 0 || sizes.channels === 0) return [];
      return statistics(context, options, inputs, sizes, out);
    },
  });
  return out;
}

interface Sizes {
  readonly images: number;
  /** Rows of one image. */
  readonly rows: number;
  readonly channels: number;
}

function statistics(
  context: LowerContext,
  options: GroupNormStatsOptions,
  inputs: readonly Tensor[],
  sizes: Sizes,
  scaleShift: Tensor,
): Dispatch[] {
  const { profile } = context;
  const { gamma, beta, groups, eps } = options;
  const left = statisticsAlone(inputs);
  if (left) {
    // Producers have measured their channels: an image is one chunk, and nothing is read again.
    const chunks = { images: sizes.images, imageRows: sizes.rows, chunkRows: sizes.rows, chunksPerImage: 1 };
    return [foldScaleShift({ inputs, gamma, beta, groups, eps, chunks, moments: left, scaleShift }, profile)];
  }
  const mostRows = mostBoundRows('groupNorm', inputs, profile);
  const columns = slotCount(inputs) / 4;
  const chunks = chunkImages(sizes.images, sizes.rows, columns, profile, mostRows, 32);
  const partials = context.scratch('partials', [sizes.images * chunks.chunksPerImage, 2, slotCount(inputs)], 'f32');
  expectBindable('groupNorm', [partials, scaleShift], profile);
  return [
    ...partialMoments({ inputs, chunks, mostRows, partials }, profile),
    foldScaleShift({ inputs, gamma, beta, groups, eps, chunks, moments: [partials], scaleShift }, profile),
  ];
}

/** The statistics of inputs whose producers all left some; then nothing else is read for them. */
function statisticsAlone(inputs: readonly Tensor[]): readonly Tensor[] | undefined {
  const left = inputs.map(statisticsOf).filter((t) => t !== undefined);
  return left.length === inputs.length ? left : undefined;
}

function slotCount(inputs: readonly Tensor[]): number {
  return inputs.reduce((sum, t) => sum + columnsOf(t) * 4, 0);
}

function checked(op: string, x: Tensor, options: GroupNormStatsOptions): Sizes {
  const { gamma, beta, groups, second, label } = options;
  const where = `${op} ${label}`;
  expectThat(
    where,
    x.shape.length >= 2,
    `x [batch, …, channels], got [${x.shape.join(', ')}]. Give activations channels last.`,
  );
  if (second) {
    expectShape(where, 'second', second, [...x.shape.slice(0, -1), second.shape[second.shape.length - 1] ?? 0]);
    expectThat(
      where,
      second !== x,
      `two different tensors, got "${x.name}" as both inputs. Normalise it once instead.`,
    );
  }
  const channels = x.shape[x.shape.length - 1]! + (second?.shape[second.shape.length - 1] ?? 0);
  expectThat(
    where,
    Number.isInteger(groups) && groups > 0 && channels % groups === 0,
    `groups to divide ${channels} channels, got ${groups}. Check norm_num_groups in the model's config.`,
  );
  expectWeightShape(where, 'gamma', gamma, [channels]);
  expectWeightShape(where, 'beta', beta, [channels]);
  const images = x.shape[0]!;
  return { images, rows: images === 0 ? 0 : rowCount(x.shape) / images, channels };
}
