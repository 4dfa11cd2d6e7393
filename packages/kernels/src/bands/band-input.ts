import { rowStride, type DeviceProfile } from '@pleinair/tensor';
import type { NormOnLoad } from '../conv2d/conv-input.js';
import type { Operand, ProductInput } from '../product/parts.js';
import { activate } from '../shader/activation.js';
import { tensorBuffer, wordBuffer } from '../shader/declare.js';
import type { BandTensor } from './band.js';

/** How a band's convolution reads: output row j, column i has taps around row `(position · step − lag + j) · stride`. */
export interface BandGeometry {
  readonly kernel: 1 | 3;
  readonly stride: 1 | 2;
  readonly upsample: 1 | 2;
  /** Zeros before the picture's first row and column. */
  readonly pad: number;
  /** Output rows of one band, and their columns. */
  readonly rows: number;
  readonly outWidth: number;
  readonly step: number;
  readonly lag: number;
}

/**
 * The left operand of a band's convolution as a product: row m is an output pixel, K' runs over (tap, channel). Taps beyond
 * the whole picture's edges read as zero, those beyond the band's are there: in rows that the band before left.
 */
export function bandInput(
  { tensor: x, window }: BandTensor,
  geometry: BandGeometry,
  norm: NormOnLoad | undefined,
  profile: DeviceProfile,
): ProductInput {
  const { kernel, stride, upsample, pad, rows, outWidth, step, lag } = geometry;
  const taps = kernel * kernel;
  const x4 = rowStride(x.shape) / 4;
  const operands: Operand[] = [
    { declaration: tensorBuffer('x', x, profile), source: x },
    { declaration: wordBuffer('position'), source: window.position },
  ];
  if (norm) operands.push({ declaration: tensorBuffer('affine', norm.affine, profile), source: norm.affine });
  return {
    kind: 'input',
    operands,
    rows: rows * outWidth,
    bandRows: outWidth,
    paddedK: taps * x4 * 4,
    uniforms: {
      x_channels4: 'u32',
      out_width: 'u32',
      out_step: 'i32',
      out_lag: 'i32',
      in_step: 'i32',
      in_offset: 'i32',
      width: 'i32',
      height: 'i32',
      stored_width: 'i32',
      stride: 'i32',
      pad: 'i32',
      upsample_shift: 'u32',
    },
    values: {
      x_channels4: x4,
      out_width: outWidth,
      out_step: step,
      out_lag: lag,
      in_step: window.step,
      in_offset: window.offset,
      width: x.shape[2]! * upsample,
      height: window.height * upsample,
      stored_width: x.shape[2]!,
      stride,
      pad,
      upsample_shift: upsample - 1,
    },
    activations: norm?.silu ? ['silu'] : [],
    text: bandText(taps, norm),
  };
}

function bandText(taps: number, norm: NormOnLoad | undefined): string {
  const side = Math.sqrt(taps);
  const value = norm
    ? activate(norm.silu ? 'silu' : 'none', 'fma(load_x(at), load_affine(k), load_affine(k + u.x_channels4))')
    : 'load_x(at)';
  return `struct Row { x: i32, y: i32, first: i32 }
const OUTSIDE = 0xffffffffu;
const SEGMENTS = ${taps}u;
fn segment_length(s: u32) -> u32 { return u.x_channels4; }
fn open_row(m: u32) -> Row {
  let p = i32(min(m, u.m_end - 1u));
  let line = p / i32(u.out_width);
  let band = i32(position[0]);
  let y = (band * u.out_step - u.out_lag + line) * u.stride - u.pad;
  return Row((p - line * i32(u.out_width)) * u.stride - u.pad, y, band * u.in_step - u.in_offset);
}
fn row_start(row: Row, s: u32) -> u32 {
  let x = row.x + i32(s % ${side}u);
  let y = row.y + i32(s / ${side}u);
  let pixel = ((y >> u.upsample_shift) - row.first) * u.stored_width + (x >> u.upsample_shift);
  return select(OUTSIDE, u32(pixel) * u.x_channels4, x >= 0 && y >= 0 && x < u.width && y < u.height);
}
fn load_a(row: Row, start: u32, s: u32, k: u32) -> vec4<f32> {
  let outside = start == OUTSIDE;
  let at = select(start + k, 0u, outside);
  let n = ${value};
  return select(n, vec4<f32>(), outside);
}`;
}
