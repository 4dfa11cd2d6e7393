import type { Tensor, Weight } from '@pleinair/tensor';
import type { Activation } from '../shader/activation.js';
import type { BufferDeclaration } from '../shader/storage.js';
import type { UniformFields } from '../shader/uniforms.js';

/**
 * A product kernel, `out[m, n] = epilogue(Σ_k input(m, k) · weight(k, n))`, is put together from three parts that know
 * nothing of one another, and a variant that says how the work is shared out. Each part is WGSL plus what it binds:
 *
 * - the **input** gives the rows of the left operand, four k at a time: plain rows, or the taps of a convolution;
 * - the **weight** gives four columns of one k: f32, f16 or palettized;
 * - the **epilogue** takes a finished sum and stores it: bias, activation, residual.
 */
export interface ProductPart {
  readonly operands: readonly Operand[];
  readonly uniforms: UniformFields;
  /** Contents of its uniforms, but for the shifts of its operands. */
  readonly values: Readonly<Record<string, number>>;
  /** Activations its text calls. */
  readonly activations?: readonly Activation[];
  readonly text: string;
}

/**
 * The left operand. Its text defines
 *
 * - `struct Row`, `fn open_row(m: u32) -> Row`: what is worked out once for row m (past the end: any row that exists);
 * - `const SEGMENTS: u32`, `fn segment_length(s: u32) -> u32`: K' is a run of segments, each of so many vec4s;
 * - `fn row_start(row: Row, s: u32) -> u32`: where a row's segment starts;
 * - `fn load_a(row: Row, start: u32, s: u32, k: u32) -> vec4<f32>`: its k-th vec4.
 */
export interface ProductInput extends ProductPart {
  readonly kind: 'input';
  /** Rows of the product. */
  readonly rows: number;
  /** Bands of rows begin at multiples of this many: a picture's line, so that a band reads whole lines. */
  readonly bandRows: number;
  /** Length of K'. */
  readonly paddedK: number;
  /**
   * Whether its values may be rounded to half floats as they load, at no more loss than storing them so: by default where
   * its first operand is stored in halves. Matrix units and narrow tiles ask.
   */
  readonly halves?: boolean;
}

/**
 * The right operand. Its text defines `fn open_column(n4: u32) -> T`, what is worked out once for columns 4·n4…4·n4+3 (of a
 * type of its own), and `fn load_b(column: T, k: u32) -> vec4<f32>`, those columns at row k of K'.
 */
export interface ProductWeight extends ProductPart {
  readonly kind: 'weight';
  /** vec4 columns that exist in the weight's buffer, padding included: {@link Product} kernels open no others. */
  readonly columns: number;
  /**
   * Whether its values may be rounded to half floats as they load, at no more loss than storing them so: by default where
   * its first operand is stored in halves. Matrix units and narrow tiles ask.
   */
  readonly halves?: boolean;
  /**
   * Another text of the same weight, for kernels whose invocations hold their columns for all of K. It defines
   *
   * - `fn hold_column(column_set: u32, first: u32, lane: u32) -> T`, called once a set, `first` being the same for a subgroup;
   * - `fn load_b4(column: T, k: u32) -> array<vec4<f32>, 4>`, rows k … k + 3 of K', k being a multiple of 4 and the same
   *   for the subgroup, whose lanes all call it.
   */
  readonly heldText?: (held: HeldColumns) => string | undefined;
  /** Another text of the same weight, for workgroups of so many invocations that may keep something in their memory. */
  readonly stagedText?: (threads: number) => StagedText | undefined;
}

/** How the invocations of a subgroup hold a weight's columns. */
export interface HeldColumns {
  /** Invocations of a subgroup, side by side: lane l holds vec4 column `first + l` of each set. */
  readonly lanes: number;
  /** Sets of columns that an invocation holds. */
  readonly sets: number;
  /** Every set begins where a block of columns does, or, of narrower subgroups, at a multiple of their size. */
  readonly aligned: boolean;
}

/** A weight's text that defines `open_column`, `load_b` and what fills its workgroup memory. */
export interface StagedText {
  /** Also defines `fn stage_weight(t: u32)`, which all invocations call, by index, before they load; it has a barrier. */
  readonly text: string;
  /** Workgroup memory it takes. */
  readonly bytes: number;
}

/**
 * What becomes of a sum. Its text defines `fn finish(m: u32, n4: u32, sum: vec4<f32>)`, or with `gated`
 * `fn finish(m: u32, n4: u32, sum: vec4<f32>, gate: vec4<f32>)`, where gate is the sum `u.n4` vec4 columns further on.
 *
 * With `moments`, `finish` returns the value it stored, and `fn store_moments(block: u32, n4: u32, moments: Moments)` keeps
 * the moments of all rows of a workgroup's block; see `moments.ts`.
 */
export interface ProductEpilogue extends ProductPart {
  readonly kind: 'epilogue';
  readonly gated: boolean;
  /** Columns of the output, unpadded. */
  readonly columns: number;
  /** It also takes the moments of every block of rows: for variants that can give them. */
  readonly moments?: boolean;
  /** Its text loads a buffer that the input binds (a residual that is the input), so it cannot stand without the input. */
  readonly readsInput?: boolean;
}

/** A half-open range of rows. */
export interface RowRange {
  readonly first: number;
  readonly end: number;
}

/** Something a product binds. */
export interface Operand {
  readonly declaration: BufferDeclaration;
  readonly source: Tensor | Weight;
  /** How often it crosses the bus: 2 for an output that is also the residual. */
  readonly traffic?: number;
  /**
   * Rows of the tensor that a band of output rows touches; absent for small things bound whole. An operand with rows
   * has a uniform `NAME_shift`, to be added to its vec4 indices.
   */
  readonly rows?: (band: RowRange) => RowRange;
  /** Row of the product that the tensor's first row stands for: not 0 where a scratch tensor holds a slice of the rows. */
  readonly origin?: number;
}

/** Everything a variant needs to write a kernel. */
export interface Product {
  /**
   * Independent products of one shape done side by side (the points of a Winograd transform, slices of K), by default 1.
   * The parts' text tells them apart by `batch: u32`; operands of a batched product are bound whole.
   */
  readonly batches?: number;
  /**
   * vec4s of K' that each batch adds up, where the batches are slices of one sum: the last may have fewer. Absent where
   * every batch goes through all of K'.
   */
  readonly sliceK4?: number;
  readonly input: ProductInput;
  readonly weight: ProductWeight;
  readonly epilogue: ProductEpilogue;
}

/** Uniforms every product kernel has. */
export const productUniforms: UniformFields = {
  /** One past the last row of this band. */
  m_end: 'u32',
  m_first: 'u32',
  /** vec4 columns of the output. */
  n4: 'u32',
  /** vec4 columns in the weight's buffer: what lies beyond must not be opened. */
  w_columns: 'u32',
  /** Length of K'. */
  k: 'u32',
  m_blocks: 'u32',
  blocks: 'u32',
};

/** Uniforms of a product's kernel. */
export function uniformsOf(product: Product): UniformFields {
  return Object.assign(
    {},
    productUniforms,
    product.sliceK4 === undefined ? {} : { slice_k4: 'u32' },
    ...partsOf(product).map((part) => part.uniforms),
  ) as UniformFields;
}

/** The parts of a product, in binding order. */
export function partsOf({ input, weight, epilogue }: Product): readonly [ProductInput, ProductWeight, ProductEpilogue] {
  return [input, weight, epilogue];
}

/** Whether a product's operands may both be rounded to half floats as they load. */
export function takesHalves({ input, weight }: Product): boolean {
  return [input, weight].every(({ halves, operands }) => {
    if (halves !== undefined) return halves;
    const source = operands[0]?.source;
    if (source === undefined) return false;
    return 'layout' in source ? source.storage === 'f16' || source.palette !== undefined : source.dtype === 'f16';
  });
}
