/**
 * Statistics of each channel of a tensor that stay beside it, so that whoever normalises it need not read it for them:
 * mean and Σ(x−mean)² over an image's rows, f32 `[images, 2, C']`. They are left by the op that writes the tensor.
 */
import {
  rowCount,
  type DeviceProfile,
  type Dispatch,
  type Graph,
  type LowerContext,
  type Tensor,
} from '@pleinair/tensor';
import { columnsOf } from '../shader/columns.js';
import { composeKernel } from '../shader/compose.js';
import { tensorBuffer } from '../shader/declare.js';
import { foldGrid, groupIndexText } from '../shader/grid.js';
import { mostBoundRows } from '../shader/row-bands.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';
import { partialMoments } from './group-statistics.js';
import { chunkImages, type ImageChunks } from './image-chunks.js';

/** A tensor `[images, …, C]` whose producer also leaves its channels' statistics. */
export interface MeasuredTensor extends Tensor {
  /** f32 `[images, 2, C']`, C' being C rounded up to a multiple of 4: means, then Σ(x−mean)². */
  readonly channelStatistics: Tensor;
}

/** Makes a tensor that its producer is to measure. */
export function measuredTensor(g: Graph, tensor: Tensor): MeasuredTensor {
  const shape = [tensor.shape[0]!, 2, columnsOf(tensor) * 4];
  return { ...tensor, channelStatistics: g.tensor(`${tensor.name}/statistics`, shape, 'f32') };
}

/** Whether a tensor's producer leaves its channels' statistics. */
export function isMeasured(tensor: Tensor): tensor is MeasuredTensor {
  return 'channelStatistics' in tensor;
}

/** The statistics that a tensor's producer leaves, or nothing. */
export function statisticsOf(tensor: Tensor): Tensor | undefined {
  return isMeasured(tensor) ? tensor.channelStatistics : undefined;
}

/** Bytes of the moments of so many chunks. */
export function momentBytes(tensor: Tensor, chunks: ImageChunks): number {
  return chunks.images * chunks.chunksPerImage * 2 * columnsOf(tensor) * 16;
}

/**
 * Reads a tensor for its channels' statistics, for producers whose kernels cannot take them as they write. Chunks are as
 * many as there is room for.
 */
export function measureChannels(tensor: MeasuredTensor, context: LowerContext): Dispatch[] {
  const { profile } = context;
  const images = tensor.shape[0]!;
  const imageRows = rowCount(tensor.shape) / images;
  const mostRows = mostBoundRows('channelStatistics', [tensor], profile);
  const columns = columnsOf(tensor);
  const fine = chunkImages(images, imageRows, columns, profile, mostRows, 32);
  const coarse = chunkImages(images, imageRows, columns, profile, mostRows, 1024);
  const chunks = momentBytes(tensor, fine) <= context.room ? fine : coarse;
  const partials = momentScratch(tensor, chunks, context);
  return [
    ...partialMoments({ inputs: [tensor], chunks, mostRows, partials }, profile),
    foldMoments(partials, chunks, tensor.channelStatistics, profile),
  ];
}

/** Scratch for the moments of a tensor's chunks: f32 `[images·chunks, 2, C']`. */
export function momentScratch(tensor: Tensor, chunks: ImageChunks, context: LowerContext): Tensor {
  return context.scratch('moments', [chunks.images * chunks.chunksPerImage, 2, columnsOf(tensor) * 4], 'f32');
}

const fields = {
  imageRows: 'u32',
  chunkRows: 'u32',
  chunksPerImage: 'u32',
  columns: 'u32',
  columnBlocks: 'u32',
  tasks: 'u32',
} satisfies UniformFields;

/** A workgroup joins this many vec4 columns, with so many invocations to each. */
const [blockColumns, perColumn] = [4, 16];

/**
 * Joins the moments of an image's chunks, channel by channel.
 *
 * @param moments - f32 `[images·chunks, 2, C']`: mean and Σ(x−mean)² of every chunk.
 * @param statistics - f32 `[images, 2, C']`.
 */
export function foldMoments(
  moments: Tensor,
  chunks: ImageChunks,
  statistics: Tensor,
  profile: DeviceProfile,
): Dispatch {
  const lanes = blockColumns * perColumn;
  const kernel = composeKernel({
    name: 'norm/fold-moments',
    buffers: [tensorBuffer('moments', moments, profile), tensorBuffer('statistics', statistics, profile)],
    uniforms: fields,
    body: `
struct Moments { count: f32, mean: vec4<f32>, squares: vec4<f32> }
var<workgroup> parts: array<Moments, ${lanes}>;

// Two disjoint sets together (Chan, Golub, LeVeque 1979).
fn join(a: Moments, b: Moments) -> Moments {
  let total = a.count + b.count;
  if (total == 0.0) { return a; }
  let delta = b.mean - a.mean;
  return Moments(total, a.mean + delta * (b.count / total), a.squares + b.squares + delta * delta * (a.count * b.count / total));
}

@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let task = ${groupIndexText};
  if (task >= u.tasks) { return; }
  let image = task / u.columnBlocks;
  let column = (task % u.columnBlocks) * ${blockColumns}u + lane % ${blockColumns}u;
  let readColumn = min(column, u.columns - 1u);
  var own = Moments(0.0, vec4<f32>(0.0), vec4<f32>(0.0));
  for (var chunk = lane / ${blockColumns}u; chunk < u.chunksPerImage; chunk += ${perColumn}u) {
    let at = (image * u.chunksPerImage + chunk) * 2u * u.columns + readColumn;
    let rows = min(u.chunkRows, u.imageRows - chunk * u.chunkRows);
    own = join(own, Moments(f32(rows), load_moments(at), load_moments(at + u.columns)));
  }
  parts[lane] = own;
  for (var half = ${lanes / 2}u; half >= ${blockColumns}u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { parts[lane] = join(parts[lane], parts[lane + half]); }
  }
  if (lane < ${blockColumns}u && column < u.columns) {
    let at = image * 2u * u.columns + column;
    store_statistics(at, parts[lane].mean);
    store_statistics(at + u.columns, parts[lane].squares);
  }
}`,
  });
  const columns = columnsOf(moments);
  const columnBlocks = Math.ceil(columns / blockColumns);
  const tasks = chunks.images * columnBlocks;
  return {
    kernel,
    bindings: [{ tensor: moments }, { tensor: statistics }],
    uniforms: uniformData(fields, { ...chunks, columns, columnBlocks, tasks }),
    workgroups: foldGrid(tasks, profile),
    flops: chunks.images * chunks.chunksPerImage * columns * 4 * 8,
    bytesMoved: chunks.images * (chunks.chunksPerImage + 1) * columns * 32,
  };
}
