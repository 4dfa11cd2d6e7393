import { rowStride, type DeviceProfile, type Tensor } from '@pleinair/tensor';
import { activate } from '../shader/activation.js';
import { tensorBuffer } from '../shader/declare.js';
import type { Operand, ProductInput, RowRange } from '../product/parts.js';
import { inputRows, type ConvGeometry } from './geometry.js';

/**
 * Per-channel scale and shift (then SiLU, if asked) that an input goes through as it loads: a group norm whose output is
 * never written.
 */
export interface NormOnLoad {
  /**
   * f32 `[B, 2, C']`: scale, then shift, of every channel of an image, `C'` being the channels of the inputs one after
   * another, each padded to 4.
   */
  readonly affine: Tensor;
  readonly silu: boolean;
}

/**
 * The left operand of a convolution as a product: row m is an output pixel, K' runs over (tap, input, channel). Taps that
 * fall off the picture read as zero; a nearest-neighbour upsample is folded into the address.
 *
 * @param inputs - One or two pictures `[B, H, W, Cᵢ]` of one size, as if concatenated along the channels.
 */
export function convInput(
  inputs: readonly [Tensor, Tensor?],
  geometry: ConvGeometry,
  norm: NormOnLoad | undefined,
  profile: DeviceProfile,
): ProductInput {
  const [x, second] = inputs;
  const { batch, storedWidth, storedHeight, outHeight, outWidth, kernel } = geometry;
  const rows = (band: RowRange): RowRange => inputRows(geometry, band);
  const operands: Operand[] = [{ declaration: tensorBuffer('x', x, profile), source: x, rows }];
  if (second) operands.push({ declaration: tensorBuffer('second', second, profile), source: second, rows });
  if (norm) {
    operands.push({ declaration: tensorBuffer('affine', norm.affine, profile), source: norm.affine });
  }
  const x4 = rowStride(x.shape) / 4;
  const second4 = second ? rowStride(second.shape) / 4 : 0;
  const taps = kernel * kernel;
  return {
    kind: 'input',
    operands,
    rows: batch * outHeight * outWidth,
    bandRows: outWidth,
    paddedK: taps * (x4 + second4) * 4,
    uniforms: {
      x_shift: 'u32',
      x_channels4: 'u32',
      ...(second ? { second_shift: 'u32' as const, second_channels4: 'u32' as const } : {}),
      out_width: 'u32',
      out_height: 'u32',
      width: 'i32',
      height: 'i32',
      stored_width: 'u32',
      stored_height: 'u32',
      stride: 'u32',
      pad: 'u32',
      upsample_shift: 'u32',
    },
    values: {
      x_channels4: x4,
      second_channels4: second4,
      out_width: outWidth,
      out_height: outHeight,
      width: geometry.width,
      height: geometry.height,
      stored_width: storedWidth,
      stored_height: storedHeight,
      stride: geometry.stride,
      pad: geometry.pad,
      upsample_shift: geometry.upsample - 1,
    },
    activations: norm?.silu ? ['silu'] : [],
    text: convText(taps, second !== undefined, norm),
  };
}

function convText(taps: number, dual: boolean, norm: NormOnLoad | undefined): string {
  const tap = dual ? 's / 2u' : 's';
  const channels = dual ? 'select(u.x_channels4, u.second_channels4, (s & 1u) == 1u)' : 'u.x_channels4';
  const shift = dual ? 'select(u.x_shift, u.second_shift, (s & 1u) == 1u)' : 'u.x_shift';
  const raw = dual
    ? `var v: vec4<f32>;
  if ((s & 1u) == 1u) { v = load_second(at); } else { v = load_x(at); }`
    : 'let v = load_x(at);';
  // One tap never falls off the picture; nine may.
  const outside = taps === 1 ? 'false' : 'start == OUTSIDE';
  const normalised = norm
    ? `let all = u.x_channels4${dual ? ' + u.second_channels4' : ''};
  let channel = row.image * 2u * all + ${dual ? 'select(0u, u.x_channels4, (s & 1u) == 1u) + ' : ''}k;
  let n = ${activate(norm.silu ? 'silu' : 'none', 'fma(v, load_affine(channel), load_affine(channel + all))')};`
    : 'let n = v;';
  return `struct Row { x: i32, y: i32, image: u32 }
const OUTSIDE = 0xffffffffu;
const SEGMENTS = ${dual ? 2 * taps : taps}u;
fn segment_length(s: u32) -> u32 { return ${channels}; }
fn open_row(m: u32) -> Row {
  let p = min(m, u.m_end - 1u);
  let line = p / u.out_width;
  let image = line / u.out_height;
  return Row(i32((p - line * u.out_width) * u.stride) - i32(u.pad), i32((line - image * u.out_height) * u.stride) - i32(u.pad), image);
}
fn row_start(row: Row, s: u32) -> u32 {
  let tap = ${tap};
  let x = row.x + i32(tap % ${Math.sqrt(taps)}u);
  let y = row.y + i32(tap / ${Math.sqrt(taps)}u);
  let pixel = (row.image * u.stored_height + (u32(y) >> u.upsample_shift)) * u.stored_width + (u32(x) >> u.upsample_shift);
  return select(OUTSIDE, pixel * ${channels} + ${shift}, x >= 0 && y >= 0 && x < u.width && y < u.height);
}
fn load_a(row: Row, start: u32, s: u32, k: u32) -> vec4<f32> {
  let outside = ${outside};
  let at = select(start + k, 0u, outside);
  ${raw}
  ${normalised}
  return select(n, vec4<f32>(), outside);
}`;
}
