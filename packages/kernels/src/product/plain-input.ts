import { rowCount, rowStride, type DeviceProfile, type Tensor } from '@pleinair/tensor';
import { activate, type Activation } from '../shader/activation.js';
import { tensorBuffer } from '../shader/declare.js';
import type { ProductInput } from './parts.js';

/**
 * Rows as they lie in a tensor `[..., K]`: one segment.
 *
 * @param activation - Applied as elements load, e.g. the SiLU before a time embedding's projection.
 * @param origin - Row of the product that x's first row is.
 */
export function plainInput(x: Tensor, activation: Activation, profile: DeviceProfile, origin = 0): ProductInput {
  return {
    kind: 'input',
    operands: [{ declaration: tensorBuffer('x', x, profile), source: x, rows: (band) => band, origin }],
    uniforms: { x_shift: 'u32', x_stride: 'u32' },
    values: { x_stride: rowStride(x.shape) / 4 },
    rows: rowCount(x.shape),
    bandRows: 1,
    paddedK: rowStride(x.shape),
    activations: [activation],
    text: `struct Row { start: u32 }
const SEGMENTS = 1u;
fn segment_length(s: u32) -> u32 { return u.x_stride; }
fn open_row(m: u32) -> Row { return Row(min(m, u.m_end - 1u) * u.x_stride + u.x_shift); }
fn row_start(row: Row, s: u32) -> u32 { return row.start; }
fn load_a(row: Row, start: u32, s: u32, k: u32) -> vec4<f32> { return ${activate(activation, 'load_x(start + k)')}; }`,
  };
}
