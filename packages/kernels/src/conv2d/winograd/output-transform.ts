import type { DeviceProfile, Dispatch, Tensor } from '@pleinair/tensor';
import { bindOperand } from '../../product/dispatch.js';
import type { Operand, ProductEpilogue, RowRange } from '../../product/parts.js';
import { activationText } from '../../shader/activation.js';
import { tensorBuffer } from '../../shader/declare.js';
import { elementKernel, elementLanes } from '../../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../../shader/grid.js';
import { uniformData, type UniformFields } from '../../shader/uniforms.js';
import type { WinogradTransforms } from './cook-toom.js';
import { tileText, type TileText } from './tile-text.js';
import { pixelRows, type TileGrid } from './tiles.js';

/** What is transformed back: `Y = Aᵀ M A` for every tile and output channel, and then the convolution's epilogue. */
export interface OutputTransform {
  readonly transforms: WinogradTransforms;
  readonly grid: TileGrid;
  /** `[points, tiles of a slice, Cout]`. */
  readonly products: Tensor;
  readonly epilogue: ProductEpilogue;
}

const ownFields: UniformFields = {
  count: 'u32',
  n4: 'u32',
  out_width: 'u32',
  out_height: 'u32',
  tiles_x: 'u32',
  tiles_y: 'u32',
  first_tile: 'u32',
  tile_count: 'u32',
};

/** The dispatch that finishes a slice of tiles: one invocation a tile and vec4 of output channels. */
export function outputTransform(job: OutputTransform, lines: RowRange, profile: DeviceProfile): Dispatch {
  const { transforms, grid, products, epilogue } = job;
  const { outWidth, outHeight } = grid.geometry;
  const rows = pixelRows(grid, lines);
  const tileCount = (lines.end - lines.first) * grid.tilesX;
  const n4 = Math.ceil(epilogue.columns / 4);
  const operands: readonly Operand[] = [
    { declaration: tensorBuffer('products', products, profile), source: products },
    ...epilogue.operands,
  ];
  const text = stepText(transforms, profile);
  const fields: UniformFields = { ...ownFields, ...text.tile.uniforms, ...epilogue.uniforms };
  const kernel = elementKernel(
    { name: `winograd${grid.m}/output`, buffers: operands.map(({ declaration }) => declaration), uniforms: fields },
    text.step,
    `${activationText(epilogue.activations ?? [])}\n${epilogue.text}`,
  );
  const count = tileCount * n4;
  const values: Record<string, number> = {
    count,
    n4,
    out_width: outWidth,
    out_height: outHeight,
    tiles_x: grid.tilesX,
    tiles_y: grid.tilesY,
    first_tile: lines.first * grid.tilesX,
    tile_count: tileCount,
    ...text.tile.values,
    ...epilogue.values,
  };
  let bytesMoved = grid.points * count * 4 * (products.dtype === 'f16' ? 2 : 4);
  const bindings = operands.map((operand, i) => {
    const { bound, bytes, shift } = bindOperand(operand, rows, profile);
    if (shift !== undefined) values[`${operand.declaration.name}_shift`] = shift;
    if (i > 0) bytesMoved += bytes * (operand.traffic ?? 1);
    return bound;
  });
  return {
    kernel,
    bindings,
    uniforms: uniformData(fields, values),
    workgroups: foldGrid(groupsFor(count, elementLanes), profile),
    flops: 0,
    executedFlops: text.tile.flops * count * 4,
    bytesMoved,
  };
}

function stepText(
  { output, side, m }: WinogradTransforms,
  profile: DeviceProfile,
): { readonly step: string; readonly tile: TileText } {
  const tile = tileText(
    output,
    {
      load: (row, column) => `load_products(at + (${row} * ${side}u + ${column}) * point)`,
      store: (row, column, value) =>
        `if (${row} < height && ${column} < width) { finish(first + ${row} * u.out_width + ${column}, c, ${value}); }`,
    },
    profile,
  );
  return {
    tile,
    step: `let t = i / u.n4;
let c = i - t * u.n4;
let tile = u.first_tile + t;
let tile_line = tile / u.tiles_x;
let image = tile_line / u.tiles_y;
let x0 = (tile - tile_line * u.tiles_x) * ${m}u;
let y0 = (tile_line - image * u.tiles_y) * ${m}u;
let point = u.tile_count * u.n4;
let at = t * u.n4 + c;
let first = (image * u.out_height + y0) * u.out_width + x0;
// Tiles at the right and lower edge hang over.
let width = min(u.out_width - x0, ${m}u);
let height = min(u.out_height - y0, ${m}u);
${tile.text}`,
  };
}
