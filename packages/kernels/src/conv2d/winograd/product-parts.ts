import { rowStride, type DeviceProfile, type Tensor, type Weight } from '@pleinair/tensor';
import { blockVec4s } from '../../product/layout.js';
import type { ProductEpilogue, ProductInput, ProductWeight } from '../../product/parts.js';
import { tensorBuffer, weightBuffer } from '../../shader/declare.js';

// The products of a Winograd convolution, one a point of the transformed tile: rows are tiles, K' is the channels.

/**
 * Transformed inputs as rows of the batched product.
 *
 * @param transformed - `[points, tiles of a slice, C']`; the first `tiles` of each point are dense in it.
 */
export function tilesInput(transformed: Tensor, tiles: number, profile: DeviceProfile): ProductInput {
  const stride4 = rowStride(transformed.shape) / 4;
  return {
    kind: 'input',
    operands: [{ declaration: tensorBuffer('points', transformed, profile), source: transformed }],
    uniforms: { tiles: 'u32', channels4: 'u32' },
    values: { tiles, channels4: stride4 },
    rows: tiles,
    bandRows: 1,
    paddedK: stride4 * 4,
    text: `struct Row { start: u32 }
const SEGMENTS = 1u;
fn segment_length(s: u32) -> u32 { return u.channels4; }
fn open_row(m: u32) -> Row { return Row((batch * u.tiles + min(m, u.m_end - 1u)) * u.channels4); }
fn row_start(row: Row, s: u32) -> u32 { return row.start; }
fn load_a(row: Row, start: u32, s: u32, k: u32) -> vec4<f32> { return load_points(start + k); }`,
  };
}

/**
 * Transformed weights, `[points][blocks of 32 outputs][C'][32]`: a weight laid out so, or a scratch tensor that holds some
 * of its blocks.
 *
 * @param blocks - Blocks it holds.
 */
export function filtersWeight(filters: Weight | Tensor, blocks: number, profile: DeviceProfile): ProductWeight {
  const declaration =
    'layout' in filters ? weightBuffer('filters', filters, profile) : tensorBuffer('filters', filters, profile);
  return {
    kind: 'weight',
    columns: blocks * blockVec4s,
    operands: [{ declaration, source: filters }],
    uniforms: {},
    values: {},
    text: `fn open_column(n4: u32) -> u32 {
  return (batch * u.w_columns + n4 / ${blockVec4s}u * ${blockVec4s}u) * u.k + n4 % ${blockVec4s}u;
}
fn load_b(column: u32, k: u32) -> vec4<f32> { return load_filters(column + k * ${blockVec4s}u); }`,
  };
}

/** A run of output channels, in vec4s. */
export interface Columns {
  readonly first4: number;
  /** Columns, unpadded. */
  readonly count: number;
}

/** Sums as they come, to be transformed back. `products` is `[points, tiles of a slice, Cout]`. */
export function productsEpilogue(
  products: Tensor,
  tiles: number,
  columns: Columns,
  profile: DeviceProfile,
): ProductEpilogue {
  return {
    kind: 'epilogue',
    gated: false,
    columns: columns.count,
    operands: [{ declaration: tensorBuffer('products', products, profile), source: products }],
    uniforms: { out_tiles: 'u32', out_columns4: 'u32', out_first4: 'u32' },
    values: { out_tiles: tiles, out_columns4: rowStride(products.shape) / 4, out_first4: columns.first4 },
    text: `fn finish(m: u32, n4: u32, sum: vec4<f32>) {
  store_products((batch * u.out_tiles + m) * u.out_columns4 + u.out_first4 + n4, sum);
}`,
  };
}
