import type { DeviceProfile } from '@pleinair/tensor';
import type { UniformFields } from '../../shader/uniforms.js';
import type { RationalMatrix } from './cook-toom.js';
import { linearText } from './linear-text.js';

/** WGSL around the transform of a tile; rows and columns are `u32` expressions. */
export interface TileAccess {
  /** Expression of the value at a row and column. */
  readonly load: (row: string, column: string) => string;
  /** Statement that stores a result. */
  readonly store: (row: string, column: string, value: string) => string;
}

/** `Y = T X Tᵀ` of a tile of `vec4<f32>` values, as statements of a kernel. */
export interface TileText {
  readonly text: string;
  /** Arithmetic on one element of the tile: a multiply-add counts 2. */
  readonly flops: number;
  /** Uniforms it reads, and their contents. */
  readonly uniforms: UniformFields;
  readonly values: Readonly<Record<string, number>>;
}

/**
 * Writes the transform of a square tile by a matrix T, along its rows as they load and then along its columns. Unrolled, so
 * that all is in registers; on software adapters in loops whose bounds are uniforms, because compilers there take seconds
 * for the unrolled text (36 loads, each normalised) and the transform is a small part of the convolution all the same.
 */
export function tileText(matrix: RationalMatrix, access: TileAccess, profile: DeviceProfile): TileText {
  return profile.isSoftware ? loopedText(matrix, access) : unrolledText(matrix, access);
}

function unrolledText(matrix: RationalMatrix, { load, store }: TileAccess): TileText {
  const size = matrix[0]!.length;
  const lines: string[] = [];
  let flops = 0;
  const apply = (values: readonly string[], prefix: string): readonly string[] => {
    const text = linearText(matrix, values, prefix);
    lines.push(...text.lines);
    flops += text.flops;
    return text.outputs;
  };
  const rows = range(size).map((row) => {
    const loaded = range(size).map((column) => {
      lines.push(`let x${row}_${column} = ${load(`${row}u`, `${column}u`)};`);
      return `x${row}_${column}`;
    });
    return apply(loaded, `e${row}_`);
  });
  for (const column of range(matrix.length)) {
    const outputs = apply(
      rows.map((row) => row[column]!),
      `y${column}_`,
    );
    outputs.forEach((value, row) => lines.push(store(`${row}u`, `${column}u`, value)));
  }
  return { text: lines.join('\n'), flops, uniforms: {}, values: {} };
}

function loopedText(matrix: RationalMatrix, { load, store }: TileAccess): TileText {
  const size = matrix[0]!.length;
  const width = matrix.length;
  const along = linearText(
    matrix,
    range(size).map((i) => `x${i}`),
    'e',
  );
  const down = linearText(
    matrix,
    range(size).map((i) => `d${i}`),
    'y',
  );
  const text = `var grid: array<vec4<f32>, ${size * width}>;
var line: array<vec4<f32>, ${Math.max(size, width)}>;
for (var row = 0u; row < u.tile_size; row++) {
  for (var column = 0u; column < u.tile_size; column++) { line[column] = ${load('row', 'column')}; }
  ${range(size)
    .map((i) => `let x${i} = line[${i}];`)
    .join(' ')}
  ${along.lines.join('\n  ')}
  ${along.outputs.map((value, i) => `grid[row * ${width}u + ${i}u] = ${value};`).join(' ')}
}
for (var column = 0u; column < u.tile_width; column++) {
  ${range(size)
    .map((i) => `let d${i} = grid[${i * width}u + column];`)
    .join(' ')}
  ${down.lines.join('\n  ')}
  ${down.outputs.map((value, i) => `line[${i}] = ${value};`).join(' ')}
  for (var row = 0u; row < u.tile_width; row++) { ${store('row', 'column', 'line[row]')} }
}`;
  return {
    text,
    flops: along.flops * size + down.flops * width,
    uniforms: { tile_size: 'u32', tile_width: 'u32' },
    values: { tile_size: size, tile_width: width },
  };
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
