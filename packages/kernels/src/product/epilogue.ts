import { type DeviceProfile, type Tensor, type Weight } from '@pleinair/tensor';
import { activate, type Activation } from '../shader/activation.js';
import { columnsOf } from '../shader/columns.js';
import { tensorBuffer, weightBuffer } from '../shader/declare.js';
import { expectShape, expectThat } from '../shader/shape-checks.js';
import type { UniformFields } from '../shader/uniforms.js';
import { branchFields, branchText, type Branch } from './branch.js';
import { momentsText } from './moments.js';
import type { Operand, ProductEpilogue } from './parts.js';

/** One row an image, added to each of the image's rows: some columns of a tensor that may hold other layers' beside them. */
export interface ImageRows {
  /** `[B, C]`. */
  readonly rows: Tensor;
  /** First of the columns meant, a multiple of 4. */
  readonly firstColumn: number;
}

/**
 * What follows a product: `out = residual + activation(sum + branch + bias + perImage)`, or
 * `(sum + branch + bias) · activation(gate + branch + bias)`.
 */
export interface EpilogueOptions {
  readonly out: Tensor;
  /** Row of the product that the output's first row is, where it holds a slice. */
  readonly outOrigin?: number;
  readonly bias?: Weight;
  /** A low-rank side branch of the weight. */
  readonly branch?: Branch;
  /** Columns of `out` that are written, from `firstColumn` (a multiple of 4) on, where it is wider; by default all. */
  readonly slice?: { readonly firstColumn: number; readonly columns: number };
  /** N columns added to every row of an image (a time embedding). */
  readonly perImage?: ImageRows;
  /** Rows of one image; needed with `perImage`. */
  readonly rowsPerImage?: number;
  readonly activation?: Activation;
  /** Same shape as the output. */
  readonly residual?: Tensor;
  /** The residual's storage is the output's: bind it once. */
  readonly inPlace?: boolean;
  /** The weight holds 2·N columns; the second half gates the first through `activation`. */
  readonly gated?: boolean;
  /** Takes the mean and Σ(x−mean)² of every block of rows, f32 `[blocks, 2, N']`. */
  readonly moments?: Tensor;
  /** Tensors that the input binds already, by the WGSL name they have there: none may be bound twice. */
  readonly bound: ReadonlyMap<Tensor, string>;
}

const imageFields = {
  rows_per_image: 'u32',
  per_image_columns: 'u32',
  per_image_first: 'u32',
} as const satisfies UniformFields;

const sliceFields = { out_columns: 'u32', out_first: 'u32' } as const satisfies UniformFields;

const storeMomentsText = `fn store_moments(block: u32, n4: u32, moments: Moments) {
  let apart = moments.sum / moments.count;
  store_block_moments(block * 2u * u.n4 + n4, moments.shift + apart);
  store_block_moments((block * 2u + 1u) * u.n4 + n4, max(moments.squares - moments.sum * apart, vec4<f32>()));
}`;

/** The part of a tensor's traffic that some of its columns are. */
function share(columns: number, tensor: Tensor): number {
  return Math.ceil(columns / 4) / columnsOf(tensor);
}

/** The epilogue of linear layers and convolutions. */
export function productEpilogue(options: EpilogueOptions, profile: DeviceProfile): ProductEpilogue {
  const { out, slice, bias, perImage, residual, moments, bound, gated = false, activation = 'none' } = options;
  const branch = options.branch && branchText(options.branch, profile);
  const columns = slice?.columns ?? out.shape.at(-1)!;
  const inPlace = residual !== undefined && options.inPlace === true;
  const operands: Operand[] = [];
  const lines: string[] = [];
  if (branch) operands.push(...branch.operands);
  if (bias) operands.push({ declaration: weightBuffer('bias', bias, profile), source: bias });
  if (perImage) {
    operands.push({
      declaration: tensorBuffer('per_image', perImage.rows, profile),
      source: perImage.rows,
      traffic: share(columns, perImage.rows),
    });
  }
  let residualName: string | undefined;
  if (residual) residualName = inPlace ? 'out' : bound.get(residual);
  if (residual && residualName === undefined) {
    residualName = 'residual';
    operands.push({
      declaration: tensorBuffer('residual', residual, profile),
      source: residual,
      rows: (band) => band,
    });
  }
  operands.push({
    declaration: tensorBuffer('out', out, profile),
    source: out,
    rows: (band) => band,
    origin: options.outOrigin ?? 0,
    traffic: inPlace ? 2 : slice ? share(columns, out) : 1,
  });

  if (moments) operands.push({ declaration: tensorBuffer('block_moments', moments, profile), source: moments });

  lines.push(branch ? 'var v = sum + branch_at(m, n4);' : 'var v = sum;');
  if (bias) lines.push('v += load_bias(n4);');
  if (perImage) {
    lines.push('v += load_per_image((m / u.rows_per_image) * u.per_image_columns + u.per_image_first + n4);');
  }
  if (gated) {
    const added = `${branch ? ' + branch_at(m, u.n4 + n4)' : ''}${bias ? ' + load_bias(u.n4 + n4)' : ''}`;
    lines.push(`let g = gate${added};`);
    lines.push(`v *= ${activate(activation, 'g')};`);
  } else if (activation !== 'none') {
    lines.push(`v = ${activate(activation, 'v')};`);
  }
  if (residualName) lines.push(`v += load_${residualName}(m * u.n4 + n4 + u.${residualName}_shift);`);
  lines.push(
    slice
      ? 'store_out(m * u.out_columns + u.out_first + n4 + u.out_shift, v);'
      : 'store_out(m * u.n4 + n4 + u.out_shift, v);',
  );
  if (moments) lines.push('return v;');
  return {
    kind: 'epilogue',
    gated,
    columns,
    moments: moments !== undefined,
    readsInput: !inPlace && residual !== undefined && bound.has(residual),
    operands,
    uniforms: {
      out_shift: 'u32',
      ...(operands.some((o) => o.declaration.name === 'residual') ? { residual_shift: 'u32' as const } : {}),
      ...(perImage ? imageFields : {}),
      ...(slice ? sliceFields : {}),
      ...(branch ? branchFields : {}),
    },
    values: {
      ...branch?.values,
      ...(perImage && {
        rows_per_image: options.rowsPerImage!,
        per_image_columns: columnsOf(perImage.rows),
        per_image_first: perImage.firstColumn / 4,
      }),
      ...(slice && { out_columns: columnsOf(out), out_first: slice.firstColumn / 4 }),
    },
    activations: [activation],
    text: `${branch?.text ?? ''}fn finish(m: u32, n4: u32, sum: vec4<f32>${gated ? ', gate: vec4<f32>' : ''})${moments ? ' -> vec4<f32>' : ''} {
  ${lines.join('\n  ')}
}${moments ? `\n${momentsText}\n${storeMomentsText}` : ''}`,
  };
}

/**
 * What `perImage` of an op means: a tensor is all of its columns.
 *
 * @param n - Columns of the product.
 * @throws ShapeError when it is not one row an image, or the columns are not there.
 */
export function imageRows(where: string, perImage: Tensor | ImageRows, images: number, n: number): ImageRows {
  if (!('rows' in perImage)) {
    expectShape(where, 'one row an image,', perImage, [images, n]);
    return { rows: perImage, firstColumn: 0 };
  }
  const { rows, firstColumn } = perImage;
  expectThat(
    where,
    rows.shape.length === 2 && rows.shape[0] === images && hasColumns(rows, firstColumn, n),
    `one row an image, [${images}, C], with columns ${firstColumn} to ${firstColumn + n - 1} starting at a multiple of 4, ` +
      `got [${rows.shape.join(', ')}]. Make room for every layer's columns.`,
  );
  return perImage;
}

/** Whether a tensor has n columns from a first one that starts a vec4. */
export function hasColumns(tensor: Tensor, firstColumn: number, n: number): boolean {
  return firstColumn >= 0 && firstColumn % 4 === 0 && firstColumn + n <= tensor.shape.at(-1)!;
}
