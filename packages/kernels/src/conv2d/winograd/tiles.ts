import type { RowRange } from '../../product/parts.js';
import type { ConvGeometry } from '../geometry.js';
import type { TileSize } from './cook-toom.js';

/** A picture's output cut into tiles of m × m pixels; those at its right and lower edge may hang over. */
export interface TileGrid {
  readonly geometry: ConvGeometry;
  readonly m: TileSize;
  /** Points of a transformed tile, (m + 2)². */
  readonly points: number;
  readonly tilesX: number;
  readonly tilesY: number;
  /** Lines of tiles over all images. */
  readonly lines: number;
  /** Tiles over all images. */
  readonly tiles: number;
}

/** The tiles of a convolution. */
export function tileGrid(geometry: ConvGeometry, m: TileSize): TileGrid {
  const tilesX = Math.ceil(geometry.outWidth / m);
  const tilesY = Math.ceil(geometry.outHeight / m);
  const lines = geometry.batch * tilesY;
  return { geometry, m, points: (m + 2) ** 2, tilesX, tilesY, lines, tiles: lines * tilesX };
}

/** Output rows (pixels) of a run of lines of tiles. */
export function pixelRows(grid: TileGrid, lines: RowRange): RowRange {
  const { outHeight, outWidth } = grid.geometry;
  const start = (line: number): number => {
    const image = Math.floor(line / grid.tilesY);
    return (image * outHeight + Math.min(outHeight, (line % grid.tilesY) * grid.m)) * outWidth;
  };
  return { first: start(lines.first), end: start(lines.end) };
}

/** Lines of tiles in at most so many slices, as even as can be. */
export function sliceLines(grid: TileGrid, count: number): RowRange[] {
  const per = Math.ceil(grid.lines / count);
  const slices: RowRange[] = [];
  for (let first = 0; first < grid.lines; first += per) {
    slices.push({ first, end: Math.min(grid.lines, first + per) });
  }
  return slices;
}
