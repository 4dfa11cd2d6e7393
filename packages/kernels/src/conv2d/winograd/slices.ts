import { bytesPerElement, type DeviceProfile } from '@pleinair/tensor';
import { blockWidth, padTo4 } from '../../product/layout.js';
import type { RowRange } from '../../product/parts.js';
import type { WinogradStorage } from './precision.js';
import { sliceLines, type TileGrid } from './tiles.js';
import type { BlockRange } from './weight-transform.js';

/** How a convolution is cut so that what lies between its passes fits. */
export interface WinogradSlices {
  /** Lines of tiles, transformed and multiplied together. */
  readonly lines: readonly RowRange[];
  /** Tiles in the largest slice. */
  readonly tiles: number;
  /** Blocks of outputs whose weights are transformed together; one run of all where they are not transformed into scratch. */
  readonly blocks: readonly BlockRange[];
}

/** What cutting depends on. */
export interface SliceOptions {
  readonly grid: TileGrid;
  /** C', channels of all inputs, each padded to 4. */
  readonly paddedK: number;
  readonly cout: number;
  readonly storage: WinogradStorage;
  /** True when weights are transformed into scratch. */
  readonly scratchFilters: boolean;
  /** Bytes of scratch there are. */
  readonly room: number;
  readonly profile: DeviceProfile;
  /** True when the pictures' rows of these lines can be bound. */
  readonly bindable: (lines: RowRange) => boolean;
}

/** Fewest tiles worth a product of their own, if there are more: below, weights are read again for too little work. */
export const leastSliceTiles = 32;

/** Cuts a convolution to the room there is, in the fewest slices; nothing when it would take slices that are too small. */
export function winogradSlices(options: SliceOptions): WinogradSlices | undefined {
  const { grid, paddedK, cout, storage, scratchFilters, profile, bindable } = options;
  const limit = profile.limits.maxStorageBufferBindingSize;
  const perTile = {
    points: grid.points * paddedK * bytesPerElement(storage.points),
    products: grid.points * padTo4(cout) * bytesPerElement(storage.products),
  };
  const blocks = Math.ceil(cout / blockWidth);
  const perBlock = grid.points * paddedK * blockWidth * bytesPerElement(storage.filters);
  // Scratch tensors are placed at aligned offsets.
  const room = options.room - 3 * profile.limits.minStorageBufferOffsetAlignment;
  let blocksAtOnce = blocks;
  let left = room;
  if (scratchFilters) {
    const wanted = grid.tiles * (perTile.points + perTile.products) + blocks * perBlock <= room ? room : room / 4;
    blocksAtOnce = Math.min(blocks, Math.max(1, Math.floor(Math.min(wanted, limit) / perBlock)));
    if (blocksAtOnce * perBlock > limit) return undefined;
    left -= blocksAtOnce * perBlock;
  }
  const mostTiles = Math.min(
    Math.floor(left / (perTile.points + perTile.products)),
    Math.floor(limit / perTile.points),
    Math.floor(limit / perTile.products),
  );
  const mostLines = Math.min(grid.lines, Math.floor(mostTiles / grid.tilesX));
  if (mostLines < 1) return undefined;
  for (let count = Math.ceil(grid.lines / mostLines); count <= grid.lines; count++) {
    const lines = sliceLines(grid, count);
    if (!lines.every(bindable)) continue;
    const tiles = Math.max(...lines.map(({ first, end }) => end - first)) * grid.tilesX;
    if (tiles < Math.min(grid.tiles, leastSliceTiles)) return undefined;
    return { lines, tiles, blocks: blockRanges(blocks, blocksAtOnce) };
  }
  return undefined;
}

function blockRanges(blocks: number, most: number): BlockRange[] {
  const per = Math.ceil(blocks / Math.ceil(blocks / most));
  const ranges: BlockRange[] = [];
  for (let first = 0; first < blocks; first += per) ranges.push({ first, end: Math.min(blocks, first + per) });
  return ranges;
}
