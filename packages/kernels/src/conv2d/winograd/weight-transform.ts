import type { DeviceProfile, Dispatch, Tensor, Weight } from '@pleinair/tensor';
import { bindOperand } from '../../product/dispatch.js';
import { blockVec4s } from '../../product/layout.js';
import type { Operand } from '../../product/parts.js';
import { tensorBuffer } from '../../shader/declare.js';
import { elementKernel, elementLanes } from '../../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../../shader/grid.js';
import { uniformData, type UniformFields } from '../../shader/uniforms.js';
import type { WinogradTransforms } from './cook-toom.js';
import { filterTaps } from './filter-taps.js';
import { tileText, type TileText } from './tile-text.js';

/** A run of blocks of 32 output channels. */
export interface BlockRange {
  readonly first: number;
  readonly end: number;
}

const ownFields: UniformFields = { count: 'u32', first4: 'u32', slice_columns4: 'u32' };

/**
 * The dispatch that transforms some blocks of a weight into scratch, `U = G g Gᵀ`: one invocation a channel and four
 * outputs.
 *
 * @param filters - `[points, blocks, C', 32]` with room for these blocks.
 * @param paddedK - C'.
 */
export function weightTransform(
  transforms: WinogradTransforms,
  weight: Weight,
  filters: Tensor,
  blocks: BlockRange,
  paddedK: number,
  profile: DeviceProfile,
): Dispatch {
  const taps = filterTaps(weight, paddedK, profile);
  const operands: readonly Operand[] = [
    ...taps.operands,
    { declaration: tensorBuffer('filters', filters, profile), source: filters },
  ];
  const text = stepText(transforms, profile);
  const fields: UniformFields = { ...ownFields, ...text.tile.uniforms, ...taps.uniforms };
  const kernel = elementKernel(
    {
      name: `winograd${transforms.m}/weights`,
      buffers: operands.map(({ declaration }) => declaration),
      uniforms: fields,
    },
    text.step,
    taps.text,
  );
  const columns4 = (blocks.end - blocks.first) * blockVec4s;
  const count = columns4 * paddedK;
  const written = transforms.side ** 2 * count * 4 * (filters.dtype === 'f16' ? 2 : 4);
  // The slice's share of the weight.
  const read = (weight.byteLength * columns4) / taps.columns;
  return {
    kernel,
    bindings: operands.map((operand) => bindOperand(operand, { first: 0, end: 0 }, profile).bound),
    uniforms: uniformData(fields, {
      count,
      first4: blocks.first * blockVec4s,
      slice_columns4: columns4,
      ...text.tile.values,
      ...taps.values,
    }),
    workgroups: foldGrid(groupsFor(count, elementLanes), profile),
    flops: 0,
    executedFlops: text.tile.flops * count * 4,
    bytesMoved: written + read,
  };
}

function stepText(
  { filter, side }: WinogradTransforms,
  profile: DeviceProfile,
): { readonly step: string; readonly tile: TileText } {
  const tile = tileText(
    filter,
    {
      load: (row, column) => `load_tap(opened, ${row} * 3u + ${column}, k)`,
      store: (row, column, value) => `store_filters(i + (${row} * ${side}u + ${column}) * point, ${value});`,
    },
    profile,
  );
  return {
    tile,
    step: `// Four outputs of a block lie side by side, then comes the next channel.
let part = i % ${blockVec4s}u;
let k = (i / ${blockVec4s}u) % u.taps_k;
let block = i / (${blockVec4s}u * u.taps_k);
let opened = open_taps(u.first4 + block * ${blockVec4s}u + part);
let point = u.slice_columns4 * u.taps_k;
${tile.text}`,
  };
}
