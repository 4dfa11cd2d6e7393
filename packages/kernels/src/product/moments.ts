import { rowCount, type DeviceProfile, type Dispatch, type LowerContext, type Tensor } from '@pleinair/tensor';
import {
  foldMoments,
  measureChannels,
  momentBytes,
  momentScratch,
  type MeasuredTensor,
} from '../norm/channel-statistics.js';
import type { ImageChunks } from '../norm/image-chunks.js';
import type { ProductVariant } from './variant.js';

/**
 * WGSL of running moments over the rows that an invocation finishes of one column: sums of v − shift and of its square,
 * the shift being the first value, so that a mean far above the deviation cancels before anything is squared.
 */
export const momentsText = `struct Moments { count: f32, shift: vec4<f32>, sum: vec4<f32>, squares: vec4<f32> }
fn add_moment(moments: ptr<function, Moments>, v: vec4<f32>) {
  if ((*moments).count == 0.0) { (*moments).shift = v; }
  let d = v - (*moments).shift;
  (*moments).count += 1.0;
  (*moments).sum += d;
  (*moments).squares += d * d;
}`;

/** Storage buffers a kernel may bind. */
const mostBuffers = 8;

/** A product as it was lowered, and what is needed to lower it with moments. */
export interface MeasuredProduct {
  readonly out: MeasuredTensor;
  readonly variant: ProductVariant;
  /** Its dispatches, the epilogue leaving the moments of each workgroup's rows in a tensor. */
  readonly withMoments: (moments: Tensor) => readonly Dispatch[];
}

/**
 * The dispatches of a product and of its output's channel statistics: taken by the epilogue while the values are in
 * registers where variant and shape allow it and there is room for the moments of its blocks, else by reading the output.
 *
 * @param plain - The dispatches without statistics.
 */
export function lowerMeasured(
  plain: readonly Dispatch[],
  { out, variant, withMoments }: MeasuredProduct,
  context: LowerContext,
): readonly Dispatch[] {
  const { room, profile } = context;
  const chunks = epilogueChunks(out, variant, profile);
  const inOne = plain.length === 1 && plain[0]!.bindings.length < mostBuffers;
  if (!chunks || !inOne || momentBytes(out, chunks) > room) return [...plain, ...measureChannels(out, context)];
  const moments = momentScratch(out, chunks, context);
  return [...withMoments(moments), foldMoments(moments, chunks, out.channelStatistics, profile)];
}

/** The blocks of rows whose moments a variant's workgroups leave, unless one would reach from an image into the next. */
function epilogueChunks(out: MeasuredTensor, variant: ProductVariant, profile: DeviceProfile): ImageChunks | undefined {
  const images = out.shape[0]!;
  const imageRows = rowCount(out.shape) / images;
  const chunkRows = variant.rows(profile);
  if (!variant.takesMoments || (images > 1 && imageRows % chunkRows !== 0)) return undefined;
  return { images, imageRows, chunkRows, chunksPerImage: Math.ceil(imageRows / chunkRows) };
}
