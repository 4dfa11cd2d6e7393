import { bytesPerElement } from '@pleinair/tensor';

/** How the level of the latents' own size is cut; see `LatentLevel`. */
export interface LevelSizes {
  /** Rows that convolutions take at a time. */
  readonly rows: number;
  /** Rows of queries that attention takes at a time, and rows of keys that it shows them at a time. */
  readonly queryRows: number;
  readonly keyRows: number;
  /** The whole level is kept in halves, coded (`nextCode`), where the graph's activations are f32. */
  readonly halves: boolean;
}

/** Bytes that one tensor of a band may take: large enough to keep a GPU busy. */
const bandBytes = 4.2e6;

/** Queries, and keys with their values, that attention takes at a time: their scores take 8 MB. */
const queriesAtOnce = 2048;
const keysAtOnce = 1024;

/** Queries may be this share of all: fewer blocks of them project keys and values less often. */
const queryShare = 1 / 64;

/** Above this many bytes in f32 a level is kept in halves. */
const halvesAbove = 16e6;

/** Rows that a 3×3 convolution keeps of the band before. */
const leastRows = 2;

/**
 * Sizes for a level `[h, w, channels]`: what is alive beside the level itself takes a few megabytes a tensor, however large
 * it is, until two of its rows are more.
 *
 * @param dtype - Of activations.
 */
export function levelSizes(
  level: { readonly height: number; readonly width: number; readonly channels: number },
  dtype: 'f16' | 'f32',
): LevelSizes {
  const { height, width, channels } = level;
  const line = width * channels;
  const halves = dtype === 'f32' && 4 * line * height > halvesAbove;
  const rowsOf = (rows: number, least: number): number => Math.max(least, Math.min(height, Math.floor(rows)));
  const even = (rows: number): number => Math.ceil(rows / 2) * 2;
  const queries = Math.max(queriesAtOnce, height * width * queryShare);
  return {
    // Even, so that Winograd's tiles waste nothing.
    rows: even(evenly(height + 1, rowsOf(bandBytes / bytesPerElement(dtype) / line, leastRows))),
    queryRows: evenly(height, rowsOf(queries / width, 1)),
    keyRows: evenly(height, rowsOf(keysAtOnce / width, 1)),
    halves,
  };
}

/** Rows of the fewest bands of at most so many rows, all of one height with as little as can be left over. */
function evenly(all: number, most: number): number {
  return Math.ceil(all / Math.ceil(all / most));
}
