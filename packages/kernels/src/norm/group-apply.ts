/**
 * GroupNorm's second half: y = x·a + b (then SiLU) with the scale and shift per channel that the statistics left. One
 * invocation walks down one vec4 column of a chunk of rows, so scale and shift are read once a chunk.
 */
import type { BoundTensor, DeviceProfile, Dispatch, Kernel, Tensor } from '@pleinair/tensor';
import { activate, activationText } from '../shader/activation.js';
import { columnsOf } from '../shader/columns.js';
import { composeKernel } from '../shader/compose.js';
import { tensorBuffer } from '../shader/declare.js';
import { foldGrid, groupIndexText, groupsFor } from '../shader/grid.js';
import { bindRows } from '../shader/row-bands.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';
import { chunkBands, type ImageChunks } from './image-chunks.js';

const lanes = 64;

const fields = {
  imageRows: 'u32',
  columns: 'u32',
  firstColumns: 'u32',
  secondColumns: 'u32',
  firstChannels: 'u32',
  channels: 'u32',
  chunkRows: 'u32',
  chunksPerImage: 'u32',
  firstChunk: 'u32',
  chunks: 'u32',
  firstRow: 'u32',
  xBase: 'u32',
  secondBase: 'u32',
  outBase: 'u32',
  slotColumns: 'u32',
} satisfies UniformFields;

/** What is normalised, by what, into what. */
export interface GroupApply {
  readonly x: Tensor;
  readonly second?: Tensor;
  readonly scaleShift: Tensor;
  readonly out: Tensor;
  /** The output has taken over `x`'s storage. */
  readonly inPlace: boolean;
  readonly silu: boolean;
  readonly chunks: ImageChunks;
  readonly mostRows: number;
}

/** How the concatenation's vec4 columns are read. */
type Reading =
  /** One input. */
  | 'single'
  /** Two inputs, the first a whole number of vec4s wide: a column lies in one of them. */
  | 'aligned'
  /** Two inputs, the second's channels shifted within the output's vec4s: channel by channel. */
  | 'shifted';

function kernel(apply: GroupApply, reading: Reading, profile: DeviceProfile): Kernel {
  const { x, second, out, inPlace } = apply;
  const activation = apply.silu ? 'silu' : 'none';
  const target = inPlace ? 'x' : 'out';
  const value: Record<Reading, string> = {
    single: 'return load_x(row * u.firstColumns + column + u.xBase);',
    aligned: `if (column < u.firstColumns) { return load_x(row * u.firstColumns + column + u.xBase); }
  return load_second(row * u.secondColumns + column - u.firstColumns + u.secondBase);`,
    shifted: `var v = vec4<f32>(0.0);
  for (var i = 0u; i < 4u; i++) {
    let channel = column * 4u + i;
    if (channel < u.firstChannels) {
      v[i] = load_x(row * u.firstColumns + channel / 4u + u.xBase)[channel % 4u];
    } else if (channel < u.channels) {
      let other = channel - u.firstChannels;
      v[i] = load_second(row * u.secondColumns + other / 4u + u.secondBase)[other % 4u];
    }
  }
  return v;`,
  };
  const factor =
    reading === 'shifted'
      ? `var v = vec4<f32>(0.0);
  for (var i = 0u; i < 4u; i++) {
    let channel = column * 4u + i;
    let slot = select(channel, u.firstColumns * 4u + channel - u.firstChannels, channel >= u.firstChannels);
    if (channel < u.channels) { v[i] = load_scaleShift(begin + slot / 4u)[slot % 4u]; }
  }
  return v;`
      : 'return load_scaleShift(begin + column);';
  return composeKernel({
    name: 'norm/group-apply',
    buffers: [
      tensorBuffer('x', x, profile),
      ...(second ? [tensorBuffer('second', second, profile)] : []),
      { name: 'scaleShift', form: 'f32', access: 'read_write' },
      ...(inPlace ? [] : [tensorBuffer('out', out, profile)]),
    ],
    uniforms: fields,
    body: `${activationText([activation])}
fn value(row: u32, column: u32) -> vec4<f32> {
  ${value[reading]}
}

fn factor(begin: u32, column: u32) -> vec4<f32> {
  ${factor}
}

@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let task = (${groupIndexText}) * ${lanes}u + lane;
  if (task >= u.chunks * u.columns) { return; }
  let chunk = u.firstChunk + task / u.columns;
  let column = task % u.columns;
  let image = chunk / u.chunksPerImage;
  let start = (chunk % u.chunksPerImage) * u.chunkRows;
  let rows = min(u.chunkRows, u.imageRows - start);
  let a = factor(image * 2u * u.slotColumns, column);
  let b = factor((image * 2u + 1u) * u.slotColumns, column);
  let first = image * u.imageRows + start - u.firstRow;
  for (var row = first; row < first + rows; row++) {
    let v = fma(value(row, column), a, b);
    store_${target}(row * u.columns + column + u.outBase, ${activate(activation, 'v')});
  }
}`,
  });
}

/** The dispatches that normalise. */
export function groupApply(apply: GroupApply, profile: DeviceProfile): Dispatch[] {
  const { x, second, out, chunks, inPlace, scaleShift } = apply;
  const firstChannels = x.shape[x.shape.length - 1]!;
  const channels = out.shape[out.shape.length - 1]!;
  const reading: Reading = !second ? 'single' : firstChannels % 4 === 0 ? 'aligned' : 'shifted';
  const text = kernel(apply, reading, profile);
  const columns = columnsOf(out);
  const secondColumns = second ? columnsOf(second) : 0;
  return chunkBands(chunks, apply.mostRows).map((band) => {
    const boundX = bindRows(x, band, profile);
    const boundSecond = second && bindRows(second, band, profile);
    const boundOut = bindRows(out, band, profile);
    const bindings: BoundTensor[] = [
      boundX.bound,
      ...(boundSecond ? [boundSecond.bound] : []),
      { tensor: scaleShift },
      ...(inPlace ? [] : [boundOut.bound]),
    ];
    const bytes = (t: Tensor): number => band.rows * columnsOf(t) * (t.dtype === 'f16' ? 8 : 16);
    return {
      kernel: text,
      bindings,
      uniforms: uniformData(fields, {
        ...chunks,
        ...band,
        columns,
        firstColumns: columnsOf(x),
        secondColumns,
        firstChannels,
        channels,
        xBase: boundX.base,
        secondBase: boundSecond?.base ?? 0,
        outBase: boundOut.base,
        slotColumns: columnsOf(x) + secondColumns,
      }),
      workgroups: foldGrid(groupsFor(band.chunks * columns, lanes), profile),
      flops: band.rows * channels * (apply.silu ? 6 : 2),
      bytesMoved: bytes(x) + (second ? bytes(second) : 0) + bytes(out) + chunks.images * 32 * columns,
    };
  });
}
