/**
 * GroupNorm's statistics in two kernels, accumulated in f32 whatever the storage.
 *
 * 1. `partial`: one invocation per chunk of rows and vec4 column leaves mean and Σ(x−mean)² of its four channels. Rows go
 *    through in blocks of eight: mean and squares of the block are exact two-pass in registers, then joined by Chan's
 *    formula. No sum of squares of raw values is ever taken, so neither a mean far above the deviation nor values near
 *    the end of half floats cancel or overflow.
 * 2. `finalize`: one workgroup per image and group joins all partials of its channels and writes, per channel, the scale
 *    a = γ/√(var+ε) and shift b = β − mean·a, so that whoever normalises does x·a + b.
 */
import type { BoundTensor, DeviceProfile, Dispatch, Kernel, Tensor, Weight } from '@pleinair/tensor';
import { columnsOf } from '../shader/columns.js';
import { composeKernel } from '../shader/compose.js';
import { tensorBuffer, weightBuffer, wordBuffer } from '../shader/declare.js';
import { foldGrid, groupIndexText, groupsFor } from '../shader/grid.js';
import { bindRows } from '../shader/row-bands.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';
import { chunkBands, type ImageChunks } from './image-chunks.js';

const lanes = 64;

const partialFields = {
  imageRows: 'u32',
  columns: 'u32',
  chunkRows: 'u32',
  chunksPerImage: 'u32',
  firstChunk: 'u32',
  chunks: 'u32',
  firstRow: 'u32',
  base: 'u32',
  slotColumn: 'u32',
  slotColumns: 'u32',
} satisfies UniformFields;

function partialKernel(x: Tensor, profile: DeviceProfile): Kernel {
  const block = [0, 1, 2, 3, 4, 5, 6, 7];
  return composeKernel({
    name: 'norm/group-partial',
    buffers: [tensorBuffer('x', x, profile), { name: 'partials', form: 'f32', access: 'read_write' }],
    uniforms: partialFields,
    body: `
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let task = (${groupIndexText}) * ${lanes}u + lane;
  if (task >= u.chunks * u.columns) { return; }
  let chunk = u.firstChunk + task / u.columns;
  let column = task % u.columns;
  let image = chunk / u.chunksPerImage;
  let start = (chunk % u.chunksPerImage) * u.chunkRows;
  let rows = min(u.chunkRows, u.imageRows - start);
  var at = u.base + (image * u.imageRows + start - u.firstRow) * u.columns + column;
  var count = 0.0;
  var mean = vec4<f32>(0.0);
  var squares = vec4<f32>(0.0);
  for (var i = 0u; i < rows / 8u; i++) {
${block.map((k) => `    let v${k} = load_x(at + ${k}u * u.columns);`).join('\n')}
    let blockMean = (${block.map((k) => `v${k}`).join(' + ')}) * 0.125;
${block.map((k) => `    let d${k} = v${k} - blockMean;`).join('\n')}
    let blockSquares = ${block.map((k) => `d${k} * d${k}`).join(' + ')};
    let delta = blockMean - mean;
    let total = count + 8.0;
    mean += delta * (8.0 / total);
    squares += blockSquares + delta * delta * (count * 8.0 / total);
    count = total;
    at += 8u * u.columns;
  }
  for (var i = 0u; i < rows % 8u; i++) {
    let v = load_x(at);
    let delta = v - mean;
    count += 1.0;
    mean += delta / count;
    squares += delta * (v - mean);
    at += u.columns;
  }
  let slot = chunk * 2u * u.slotColumns + u.slotColumn + column;
  store_partials(slot, mean);
  store_partials(slot + u.slotColumns, squares);
}`,
  });
}

const finalizeFields = {
  imageRows: 'u32',
  chunkRows: 'u32',
  chunksPerImage: 'u32',
  channels: 'u32',
  groupChannels: 'u32',
  groups: 'u32',
  tasks: 'u32',
  firstChannels: 'u32',
  secondSlot: 'u32',
  slots: 'u32',
  eps: 'f32',
} satisfies UniformFields;

/** @param apart - Each of two inputs has moments of its own. */
function finalizeKernel(gamma: Weight, beta: Weight, apart: boolean, profile: DeviceProfile): Kernel {
  const here = 'vec2<f32>(bitcast<f32>(partials[at]), bitcast<f32>(partials[at + stride]))';
  const there = here.replaceAll('partials', 'secondPartials');
  return composeKernel({
    name: 'norm/group-finalize',
    // Scale and shift are written as single words: neighbouring groups may share a vec4, and writes to parts of one race.
    buffers: [
      wordBuffer('partials'),
      ...(apart ? [wordBuffer('secondPartials')] : []),
      wordBuffer('scaleShift'),
      weightBuffer('gamma', gamma, profile),
      weightBuffer('beta', beta, profile),
    ],
    uniforms: finalizeFields,
    body: `
var<workgroup> counts: array<f32, ${lanes}>;
var<workgroup> means: array<f32, ${lanes}>;
var<workgroup> squares: array<f32, ${lanes}>;

// Mean and Σ(x−mean)² of two disjoint sets together (Chan, Golub, LeVeque 1979): (count, mean, squares).
fn join(a: vec3<f32>, b: vec3<f32>) -> vec3<f32> {
  let total = a.x + b.x;
  if (total == 0.0) { return a; }
  let delta = b.y - a.y;
  return vec3<f32>(total, a.y + delta * (b.x / total), a.z + b.z + delta * delta * (a.x * b.x / total));
}

// Where a channel of the concatenation lies: each input's channels are padded to whole vec4s.
fn slotOf(channel: u32) -> u32 {
  return select(channel, u.secondSlot + channel - u.firstChannels, channel >= u.firstChannels);
}

// Mean and Σ(x−mean)² of a channel of a chunk.
fn momentsOf(chunk: u32, channel: u32) -> vec2<f32> {
${
  apart
    ? `  if (channel >= u.firstChannels) {
    let stride = u.slots - u.secondSlot;
    let at = chunk * 2u * stride + channel - u.firstChannels;
    return ${there};
  }
  let stride = u.secondSlot;
  let at = chunk * 2u * stride + channel;
  return ${here};`
    : `  let stride = u.slots;
  let at = chunk * 2u * stride + slotOf(channel);
  return ${here};`
}
}

@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let task = ${groupIndexText};
  if (task >= u.tasks) { return; }
  let image = task / u.groups;
  let firstChannel = (task % u.groups) * u.groupChannels;
  var own = vec3<f32>(0.0);
  for (var item = lane; item < u.chunksPerImage * u.groupChannels; item += ${lanes}u) {
    let chunk = item / u.groupChannels;
    let moments = momentsOf(image * u.chunksPerImage + chunk, firstChannel + item % u.groupChannels);
    let rows = min(u.chunkRows, u.imageRows - chunk * u.chunkRows);
    own = join(own, vec3<f32>(f32(rows), moments));
  }
  counts[lane] = own.x;
  means[lane] = own.y;
  squares[lane] = own.z;
  for (var half = ${lanes / 2}u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      let other = lane + half;
      let both = join(vec3<f32>(counts[lane], means[lane], squares[lane]), vec3<f32>(counts[other], means[other], squares[other]));
      counts[lane] = both.x;
      means[lane] = both.y;
      squares[lane] = both.z;
    }
  }
  workgroupBarrier();
  let mean = means[0];
  let deviation = inverseSqrt(squares[0] / counts[0] + u.eps);
  let out = image * 2u * u.slots;
  for (var i = lane; i < u.groupChannels; i += ${lanes}u) {
    let channel = firstChannel + i;
    let a = load_gamma(channel / 4u)[channel % 4u] * deviation;
    let slot = slotOf(channel);
    scaleShift[out + slot] = bitcast<u32>(a);
    scaleShift[out + u.slots + slot] = bitcast<u32>(load_beta(channel / 4u)[channel % 4u] - mean * a);
    // Whoever holds an input's last channel clears its pad lanes.
    if (channel + 1u == u.firstChannels || channel + 1u == u.channels) {
      for (var pad = slot + 1u; pad % 4u != 0u; pad++) {
        scaleShift[out + pad] = 0u;
        scaleShift[out + u.slots + pad] = 0u;
      }
    }
  }
}`,
  });
}

/** Moments of chunks: what they are taken over and where they go. */
export interface PartialMoments {
  /** One tensor, or two whose channels lie side by side in `partials`. */
  readonly inputs: readonly Tensor[];
  readonly chunks: ImageChunks;
  /** The most rows a dispatch can bind. */
  readonly mostRows: number;
  /** f32 `[images·chunks, 2, slots]`. */
  readonly partials: Tensor;
}

/** The dispatches that leave mean and Σ(x−mean)² of every chunk and channel. */
export function partialMoments(s: PartialMoments, profile: DeviceProfile): Dispatch[] {
  const { chunks } = s;
  const slotColumns = s.inputs.reduce((sum, t) => sum + columnsOf(t), 0);
  const dispatches: Dispatch[] = [];
  let slotColumn = 0;
  for (const x of s.inputs) {
    const columns = columnsOf(x);
    const kernel = partialKernel(x, profile);
    for (const band of chunkBands(chunks, s.mostRows)) {
      const { bound, base } = bindRows(x, band, profile);
      const channels = x.shape[x.shape.length - 1]!;
      dispatches.push({
        kernel,
        bindings: [bound, { tensor: s.partials }],
        uniforms: uniformData(partialFields, {
          ...chunks,
          columns,
          ...band,
          base,
          slotColumn,
          slotColumns,
        }),
        workgroups: foldGrid(groupsFor(band.chunks * columns, lanes), profile),
        flops: 4 * band.rows * channels, // one add for the mean, subtract and multiply-add for the squares
        bytesMoved: band.rows * rowBytesOf(x) + band.chunks * columns * 32,
      });
    }
    slotColumn += columns;
  }
  return dispatches;
}

/** What is folded with γ and β into a scale and a shift a channel. */
export interface ScaleShift {
  /** One tensor, or two whose channels are normalised as one. */
  readonly inputs: readonly Tensor[];
  readonly gamma: Weight;
  readonly beta: Weight;
  readonly groups: number;
  readonly eps: number;
  readonly chunks: ImageChunks;
  /** Moments of the chunks: of all inputs side by side, f32 `[images·chunks, 2, slots]`, or a tensor an input. */
  readonly moments: readonly Tensor[];
  /** f32 `[images, 2, slots]`. */
  readonly scaleShift: Tensor;
}

/** The dispatch that leaves scale and shift per channel. */
export function foldScaleShift(s: ScaleShift, profile: DeviceProfile): Dispatch {
  const { chunks, inputs, moments } = s;
  const slotColumns = inputs.reduce((sum, t) => sum + columnsOf(t), 0);
  const first = inputs[0]!.shape[inputs[0]!.shape.length - 1]!;
  const channels = inputs.reduce((sum, t) => sum + t.shape[t.shape.length - 1]!, 0);
  const tasks = chunks.images * s.groups;
  const bindings: BoundTensor[] = [...moments, s.scaleShift].map((tensor) => ({ tensor }));
  return {
    kernel: finalizeKernel(s.gamma, s.beta, moments.length === 2, profile),
    bindings: [...bindings, { weight: s.gamma }, { weight: s.beta }],
    uniforms: uniformData(finalizeFields, {
      ...chunks,
      channels,
      groupChannels: channels / s.groups,
      groups: s.groups,
      tasks,
      firstChannels: first,
      secondSlot: columnsOf(inputs[0]!) * 4,
      slots: slotColumns * 4,
      eps: s.eps,
    }),
    workgroups: foldGrid(tasks, profile),
    flops: chunks.images * chunks.chunksPerImage * channels * 8,
    bytesMoved: chunks.images * (chunks.chunksPerImage + 1) * slotColumns * 32 + s.gamma.byteLength + s.beta.byteLength,
  };
}

function rowBytesOf(tensor: Tensor): number {
  return columnsOf(tensor) * (tensor.dtype === 'f16' ? 8 : 16);
}
