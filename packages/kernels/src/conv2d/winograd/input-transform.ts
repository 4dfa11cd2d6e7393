import { rowStride, type DeviceProfile, type Dispatch, type Tensor } from '@pleinair/tensor';
import { bindOperand } from '../../product/dispatch.js';
import type { Operand, RowRange } from '../../product/parts.js';
import { activate, activationText } from '../../shader/activation.js';
import { tensorBuffer, wordBuffer } from '../../shader/declare.js';
import { elementKernel, elementLanes } from '../../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../../shader/grid.js';
import { uniformData, type UniformFields } from '../../shader/uniforms.js';
import type { NormOnLoad } from '../conv-input.js';
import { movingFields, movingText, movingValues, readRows, type MovingRows } from '../moving-rows.js';
import type { WinogradTransforms } from './cook-toom.js';
import { tileText, type TileText } from './tile-text.js';
import { pixelRows, type TileGrid } from './tiles.js';

/** What is transformed: `V = Bᵀ d B` for every tile and channel. */
export interface InputTransform {
  readonly transforms: WinogradTransforms;
  readonly grid: TileGrid;
  /** One or two pictures `[B, H, W, Cᵢ]`, as if concatenated along the channels. */
  readonly inputs: readonly Tensor[];
  readonly norm: NormOnLoad | undefined;
  /** Which rows of a picture in bands the input holds; without, it is the picture. */
  readonly moving: MovingRows | undefined;
  /** `[points, tiles of a slice, C']`, `C'` being each input's channels padded to 4, one after another. */
  readonly transformed: Tensor;
}

const ownFields: UniformFields = {
  count: 'u32',
  x_shift: 'u32',
  x_channels4: 'u32',
  /** Where this input's channels begin among all, and how many vec4s of channels there are. */
  first_channel4: 'u32',
  all_channels4: 'u32',
  width: 'i32',
  height: 'i32',
  stored_width: 'u32',
  stored_height: 'u32',
  upsample_shift: 'u32',
  tiles_x: 'u32',
  tiles_y: 'u32',
  first_tile: 'u32',
  tile_count: 'u32',
};

/**
 * Dispatches that transform the inputs of a slice of tiles: one an input, with one invocation a tile and vec4 of channels,
 * which lie side by side. Padding is zero after the norm, as in the direct kernel.
 */
export function inputTransform(job: InputTransform, lines: RowRange, profile: DeviceProfile): Dispatch[] {
  const { transforms, grid, inputs, norm, moving, transformed } = job;
  const { geometry } = grid;
  const tileCount = (lines.end - lines.first) * grid.tilesX;
  const rows = readRows(geometry, moving, pixelRows(grid, lines));
  const allChannels4 = rowStride(transformed.shape) / 4;
  const text = stepText(transforms, norm, moving !== undefined, profile);
  const fields: UniformFields = { ...ownFields, ...(moving ? movingFields : {}), ...text.tile.uniforms };
  let firstChannel4 = 0;
  return inputs.map((x): Dispatch => {
    const channels4 = rowStride(x.shape) / 4;
    const operands: Operand[] = [
      { declaration: tensorBuffer('x', x, profile), source: x, rows: () => rows },
      ...(norm ? [{ declaration: tensorBuffer('affine', norm.affine, profile), source: norm.affine }] : []),
      ...(moving ? [{ declaration: wordBuffer('position'), source: moving.position }] : []),
      { declaration: tensorBuffer('points', transformed, profile), source: transformed },
    ];
    const kernel = elementKernel(
      { name: `winograd${grid.m}/input`, buffers: operands.map(({ declaration }) => declaration), uniforms: fields },
      text.step,
      text.functions,
    );
    const count = tileCount * channels4;
    const values: Record<string, number> = {
      count,
      x_channels4: channels4,
      first_channel4: firstChannel4,
      all_channels4: allChannels4,
      width: geometry.width,
      height: geometry.height,
      stored_width: geometry.storedWidth,
      stored_height: geometry.storedHeight,
      upsample_shift: geometry.upsample - 1,
      tiles_x: grid.tilesX,
      tiles_y: grid.tilesY,
      first_tile: lines.first * grid.tilesX,
      tile_count: tileCount,
      ...(moving ? movingValues(moving) : {}),
      ...text.tile.values,
    };
    firstChannel4 += channels4;
    const bindings = operands.map((operand) => bindOperand(operand, rows, profile));
    values.x_shift = bindings[0]!.shift!;
    const written = grid.points * count * 4 * (transformed.dtype === 'f16' ? 2 : 4);
    return {
      kernel,
      bindings: bindings.map(({ bound }) => bound),
      uniforms: uniformData(fields, values),
      workgroups: foldGrid(groupsFor(count, elementLanes), profile),
      flops: 0,
      executedFlops: text.tile.flops * count * 4,
      bytesMoved: written + bindings.slice(0, -1).reduce((sum, { bytes }) => sum + bytes, 0),
    };
  });
}

/** Rows that a band has not stored are read by tiles that hang over, for outputs that are not written: anything finite will do. */
const movingLine = `let row = u32((y >> u.upsample_shift) - first_stored_row());
  if (row >= u.stored_height) { return vec4<f32>(); }
  let line = row * u.stored_width;`;

function stepText(
  { input, side, m }: WinogradTransforms,
  norm: NormOnLoad | undefined,
  isMoving: boolean,
  profile: DeviceProfile,
): { readonly step: string; readonly functions: string; readonly tile: TileText } {
  const tile = tileText(
    input,
    {
      load: (row, column) =>
        `load_pixel(image, y0 + i32(${row}), x0 + i32(${column}), c${norm ? ', scale, shift' : ''})`,
      store: (row, column, value) => `store_points(at + (${row} * ${side}u + ${column}) * point, ${value});`,
    },
    profile,
  );
  const normalised = norm ? `return ${activate(norm.silu ? 'silu' : 'none', 'fma(v, scale, shift)')};` : 'return v;';
  return {
    tile,
    functions: `${activationText(norm?.silu ? ['silu'] : [])}
${isMoving ? movingText : ''}
fn load_pixel(image: u32, y: i32, x: i32, c: u32${norm ? ', scale: vec4<f32>, shift: vec4<f32>' : ''}) -> vec4<f32> {
  if (y < 0 || y >= u.height || x < 0 || x >= u.width) { return vec4<f32>(); }
  ${isMoving ? movingLine : 'let line = (image * u.stored_height + (u32(y) >> u.upsample_shift)) * u.stored_width;'}
  let v = load_x((line + (u32(x) >> u.upsample_shift)) * u.x_channels4 + c + u.x_shift);
  ${normalised}
}`,
    step: `let t = i / u.x_channels4;
let c = i - t * u.x_channels4;
let tile = u.first_tile + t;
let tile_line = tile / u.tiles_x;
let image = tile_line / u.tiles_y;
let x0 = i32((tile - tile_line * u.tiles_x) * ${m}u) - 1;
let y0 = i32((tile_line - image * u.tiles_y) * ${m}u) - 1${isMoving ? ' + first_output_row()' : ''};
let point = u.tile_count * u.all_channels4;
let at = t * u.all_channels4 + u.first_channel4 + c;
${
  norm
    ? `let affine_at = image * 2u * u.all_channels4 + u.first_channel4 + c;
let scale = load_affine(affine_at);
let shift = load_affine(affine_at + u.all_channels4);`
    : ''
}
${tile.text}`,
  };
}
