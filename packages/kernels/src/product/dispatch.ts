import {
  bytesPerElement,
  DeviceError,
  rowStride,
  type BoundTensor,
  type BoundWeight,
  type DeviceProfile,
  type Dispatch,
  type Tensor,
  type Weight,
} from '@pleinair/tensor';
import { foldGrid } from '../shader/grid.js';
import { uniformData } from '../shader/uniforms.js';
import { partsOf, uniformsOf, type Operand, type Product, type RowRange } from './parts.js';
import { productKernel, type ProductVariant } from './variant.js';

/**
 * The dispatches of a product in a variant: one, or one a band of rows where a tensor is beyond the adapter's binding
 * limit.
 *
 * @param where - Op and label, for errors.
 * @param flopsPerRow - Work of one output row of one batch, a multiply-add being 2.
 * @param range - Rows to compute; all of the input's by default.
 * @throws DeviceError `device/limit` when a weight, or a single line of a tensor, cannot be bound.
 */
export function productDispatches(
  where: string,
  product: Product,
  variant: ProductVariant,
  flopsPerRow: number,
  profile: DeviceProfile,
  range: RowRange = { first: 0, end: product.input.rows },
): Dispatch[] {
  const kernel = productKernel(product, variant, profile);
  const parts = partsOf(product);
  const operands = parts.flatMap((part) => part.operands);
  const fields = uniformsOf(product);
  const n4 = Math.ceil(product.epilogue.columns / 4);
  const { batches = 1 } = product;
  return rowBands(where, product, operands, profile, range).map((band): Dispatch => {
    const mBlocks = Math.ceil((band.end - band.first) / variant.rows(profile));
    const blocks = mBlocks * Math.ceil(n4 / variant.columns(profile));
    const values: Record<string, number> = {
      m_end: band.end,
      m_first: band.first,
      n4,
      w_columns: product.weight.columns,
      k: product.input.paddedK,
      m_blocks: mBlocks,
      blocks,
      slice_k4: product.sliceK4 ?? 0,
    };
    for (const part of parts) Object.assign(values, part.values);
    const [foldX, foldY] = foldGrid(blocks, profile);
    let bytesMoved = 0;
    const bindings = operands.map((operand) => {
      const { bound, bytes, shift } = bindOperand(operand, band, profile);
      if (shift !== undefined) values[`${operand.declaration.name}_shift`] = shift;
      bytesMoved += bytes * (operand.traffic ?? 1);
      return bound;
    });
    return {
      kernel,
      bindings,
      uniforms: uniformData(fields, values),
      workgroups: [foldX, foldY, batches],
      flops: flopsPerRow * (band.end - band.first) * batches,
      bytesMoved,
    };
  });
}

/** Cuts the rows into the fewest equal bands whose operands can all be bound. */
function rowBands(
  where: string,
  product: Product,
  operands: readonly Operand[],
  profile: DeviceProfile,
  range: RowRange,
): readonly RowRange[] {
  const { bandRows } = product.input;
  const limit = profile.limits.maxStorageBufferBindingSize;
  const lines = Math.ceil((range.end - range.first) / bandRows);
  if (lines === 0) return [];
  for (let bands = 1; bands <= lines; bands++) {
    const per = Math.ceil(lines / bands) * bandRows;
    const ranges: RowRange[] = [];
    for (let { first } = range; first < range.end; first += per) {
      ranges.push({ first, end: Math.min(range.end, first + per) });
    }
    if (ranges.every((band) => operands.every((o) => bindOperand(o, band, profile).length <= limit))) return ranges;
  }
  const least = { first: range.first, end: Math.min(range.end, range.first + bandRows) };
  const worst = operands.reduce((a, b) =>
    bindOperand(a, least, profile).length >= bindOperand(b, least, profile).length ? a : b,
  );
  throw new DeviceError(
    'device/limit',
    `${where}: expected at most ${limit} bytes a binding on this adapter, got ${bindOperand(worst, least, profile).length} for "${worst.declaration.name}". ` +
      'Use f16 weights and activations, or an adapter with a larger maxStorageBufferBindingSize.',
  );
}

/** True when what a band of rows touches of an operand is within the adapter's binding limit. */
export function canBind(
  operand: Pick<Operand, 'source' | 'rows' | 'origin'>,
  band: RowRange,
  profile: DeviceProfile,
): boolean {
  return bindOperand(operand, band, profile).length <= profile.limits.maxStorageBufferBindingSize;
}

/** An operand as one dispatch binds it. */
export interface BoundOperand {
  readonly bound: BoundTensor | BoundWeight;
  /** Bytes of its content that the band touches. */
  readonly bytes: number;
  /** Bytes bound. */
  readonly length: number;
  /** To be added to vec4 indices of the whole tensor; negative, as it wraps to u32. */
  readonly shift: number | undefined;
}

/** Binds what a band of rows touches of an operand: all of it where it has no rows. */
export function bindOperand(
  operand: Pick<Operand, 'source' | 'rows' | 'origin'>,
  band: RowRange,
  profile: DeviceProfile,
): BoundOperand {
  const { source, rows, origin = 0 } = operand;
  if (isWeight(source)) {
    return { bound: { weight: source }, bytes: source.byteLength, length: source.byteLength, shift: undefined };
  }
  const rowBytes = rowStride(source.shape) * bytesPerElement(source.dtype);
  const total = rowBytes * source.shape.slice(0, -1).reduce((a, b) => a * b, 1);
  if (!rows) return { bound: { tensor: source }, bytes: total, length: total, shift: undefined };
  const touched = rows(band);
  const [first, end] = [touched.first - origin, touched.end - origin];
  const bytes = (end - first) * rowBytes;
  const vec4Bytes = 4 * bytesPerElement(source.dtype);
  const shift = -(origin * rowBytes) / vec4Bytes;
  if (bytes === total) return { bound: { tensor: source }, bytes, length: total, shift };
  const alignment = profile.limits.minStorageBufferOffsetAlignment;
  const byteOffset = Math.floor((first * rowBytes) / alignment) * alignment;
  const byteLength = end * rowBytes - byteOffset;
  return {
    bound: { tensor: source, byteOffset, byteLength },
    bytes,
    length: byteLength,
    shift: shift - byteOffset / vec4Bytes,
  };
}

function isWeight(source: Tensor | Weight): source is Weight {
  return 'layout' in source;
}
