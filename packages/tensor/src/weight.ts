import { bytesPerElement } from './dtype.js';
import { ShapeError } from './errors.js';
import { palettizedBytes, type PaletteForm } from './palette.js';

/** How weight elements are stored on the GPU. */
export type WeightStorage = 'f16' | 'f32';

/** One tensor of the checkpoint. */
export interface WeightSource {
  /** The checkpoint's own name, e.g. `down_blocks.1.attentions.0.proj_in.weight`. */
  readonly name: string;
  /** The shape the checkpoint must have, e.g. `[out, in]` or `[out, in, kh, kw]`. */
  readonly shape: readonly number[];
}

/**
 * A piece of a weight in its GPU layout: where it goes and its elements (half bits for f16, floats for f32, 32-bit words
 * for palettized weights).
 */
export interface PackedPiece {
  /** Offset in elements from the start of the GPU weight; a multiple of 4, but for words any. */
  readonly elementOffset: number;
  /** Length a multiple of 4, but for words any. */
  readonly values: Uint16Array<ArrayBuffer> | Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;
}

/**
 * How a checkpoint tensor is laid out for the kernels that read it. Pure element permutation with zero padding: the
 * loader has already converted the values to the storage type. Works on bands of rows of dimension 0, so that a weight of
 * any size streams through a small host buffer.
 */
export interface WeightLayout {
  /** Identifies the layout; equal keys mean equal bytes. */
  readonly key: string;
  /** Bands must start at a multiple of this many rows of dimension 0 (the last band may be shorter). */
  readonly bandRows: number;
  /** Elements of the GPU weight, padding included; a multiple of 4. */
  elements(shape: readonly number[]): number;
  /**
   * Lays out a band. The pieces of all bands together cover every element of the GPU weight, padding included: a weight
   * is taken for uploaded when they have all come.
   *
   * @param rows - The band's elements in checkpoint order.
   * @param firstRow - Index of its first row in dimension 0; a multiple of `bandRows`.
   * @param rowCount - Rows in the band.
   * @param shape - The whole tensor's checkpoint shape.
   */
  pack(
    rows: Uint16Array<ArrayBuffer> | Float32Array<ArrayBuffer>,
    firstRow: number,
    rowCount: number,
    shape: readonly number[],
  ): PackedPiece[];
  /**
   * Only where palettized weights may lie so: the row of K' that each k of a checkpoint row goes to, k counting channels
   * within taps. The layout must be `[ceil(N / 32)][K'][32]`.
   */
  paletteOrder?(shape: readonly number[]): Uint32Array;
}

/**
 * A weight as a graph uses it: a checkpoint tensor in a layout and storage type, no data. The layout is that of the
 * op's plainest kernel; a kernel that wants another binds {@link inLayout} of it.
 */
export interface Weight {
  readonly id: number;
  readonly source: WeightSource;
  readonly layout: WeightLayout;
  readonly storage: WeightStorage;
  /** The tensor is palettized in the checkpoint, and stays so on the GPU: `storage` is then what it decodes to. */
  readonly palette?: PaletteForm;
  readonly byteLength: number;
}

/** Identifies a weight across graphs of the same component: same tensor, layout and storage, same bytes. */
export function weightKey(weight: Weight): string {
  return `${weight.source.name}|${weight.layout.key}|${storageName(weight)}`;
}

/** How a weight is stored, in a word: `f16`, `f32`, `palette4`. */
export function storageName({ storage, palette }: Pick<Weight, 'storage' | 'palette'>): string {
  if (!palette) return storage;
  return `palette${palette.bits}${palette.group ? `/${palette.group}` : ''}`;
}

/** Bytes of one element of a weight's pieces: palettized weights are uploaded as 32-bit words. */
export function weightElementBytes({ storage, palette }: Pick<Weight, 'storage' | 'palette'>): number {
  return palette ? 4 : bytesPerElement(storage);
}

/** Bytes of a checkpoint tensor in a layout, stored so. */
export function weightByteLength(
  layout: WeightLayout,
  shape: readonly number[],
  stored: Pick<Weight, 'storage' | 'palette'>,
): number {
  if (stored.palette) return palettizedBytes(stored.palette, layout, shape);
  return layout.elements(shape) * bytesPerElement(stored.storage);
}

/**
 * The same checkpoint tensor in another layout: for kernels that choose, when they are lowered, how they want a weight to
 * lie. Only what the chosen kernels bind is loaded.
 *
 * @throws ShapeError `weight/palettized` When the weight is palettized and the layout has no order for indices.
 */
export function inLayout(weight: Weight, layout: WeightLayout): Weight {
  if (weight.palette && !layout.paletteOrder) {
    throw new ShapeError(
      'weight/palettized',
      `${weight.source.name}: expected a layout for palettized weights, got ${layout.key}. This is a bug in the kernel's choice of layout.`,
    );
  }
  return { ...weight, layout, byteLength: weightByteLength(layout, weight.source.shape, weight) };
}

/** Rows as they are, each padded with zeros to a multiple of 4 elements: vectors, embeddings, norm scales. */
export const plainRows: WeightLayout = {
  key: 'rows',
  bandRows: 4,
  elements(shape) {
    const width = shape.length > 1 ? shape.slice(1).reduce((a, b) => a * b, 1) : (shape[0] ?? 1);
    const rows = shape.length > 1 ? shape[0]! : 1;
    return rows * Math.ceil(width / 4) * 4;
  },
  pack(rows, firstRow, rowCount, shape) {
    if (shape.length < 2) {
      // A vector is one padded row; its bands are runs of elements. Short tails are padded here, so bands of a vector
      // must start at a multiple of 4, which every loader's band size is.
      return [{ elementOffset: firstRow, values: padded(rows, 1, rowCount) }];
    }
    const width = rows.length / rowCount;
    const stride = Math.ceil(width / 4) * 4;
    return [{ elementOffset: firstRow * stride, values: padded(rows, rowCount, width) }];
  },
};

function padded(
  values: Uint16Array<ArrayBuffer> | Float32Array<ArrayBuffer>,
  rows: number,
  width: number,
): Uint16Array<ArrayBuffer> | Float32Array<ArrayBuffer> {
  const stride = Math.ceil(width / 4) * 4;
  if (stride === width) return values;
  const out = values instanceof Uint16Array ? new Uint16Array(rows * stride) : new Float32Array(rows * stride);
  for (let r = 0; r < rows; r++) out.set(values.subarray(r * width, (r + 1) * width), r * stride);
  return out;
}
