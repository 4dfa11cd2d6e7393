import type { Weight } from '@pleinair/tensor';
import type { ComponentEntry } from './component.js';
import { WeightError } from './errors.js';
import type { PalettizedEntry } from './palettized/entries.js';
import type { SafetensorsFile } from './safetensors-file.js';

/** Rows of a checkpoint tensor within a read. */
export interface Band {
  readonly entry: ComponentEntry;
  /** Every weight made of this tensor: one tensor may be wanted in several layouts. */
  readonly weights: readonly Weight[];
  /** The palettized tensor that these are indices or the palettes of. */
  readonly palettized?: PalettizedEntry;
  readonly firstRow: number;
  readonly rowCount: number;
  /** Where its first byte lies in the file. */
  readonly begin: number;
  /** Just after its last byte in the file. */
  readonly end: number;
}

/** One read of a file and the bands it brings. */
export interface Read {
  readonly file: SafetensorsFile;
  readonly begin: number;
  readonly end: number;
  readonly bands: readonly Band[];
}

/** A checkpoint tensor and the weights made of it. */
export interface WantedTensor {
  readonly entry: ComponentEntry;
  readonly weights: readonly Weight[];
  /** The palettized tensor that this is the indices or the palettes of. */
  readonly palettized?: PalettizedEntry;
}

/** Unwanted bytes up to this many are read through: cheaper than another request. */
const bridgedBytes = 32 * 1024;

/** What a read may grow to where a layout's smallest band needs more than `bandBytes`. */
export const maxBandBytes = 16 * 1024 * 1024;

/**
 * Cuts tensors into reads of at most `bandBytes`, in file order: neighbouring small tensors share a read, large ones are
 * cut where their layouts allow. A single band larger than that is read alone, up to {@link maxBandBytes}.
 */
export function planReads(wanted: readonly WantedTensor[], bandBytes: number): Read[] {
  const reads: Read[] = [];
  let open: { file: SafetensorsFile; begin: number; end: number; bands: Band[] } | undefined;

  const sorted = wanted.toSorted(
    (a, b) => a.entry.file.path.localeCompare(b.entry.file.path) || a.entry.begin - b.entry.begin,
  );
  for (const { entry, weights, palettized } of sorted) {
    const rows = entry.shape[0] ?? 1;
    const bytes = entry.end - entry.begin;
    if (bytes === 0) continue;
    const rowBytes = bytes / rows;
    const unit = bandUnit(entry, weights, palettized);
    const unitBytes = Math.min(unit, rows) * rowBytes;
    if (unitBytes > maxBandBytes) {
      throw new WeightError(
        'weights/row-too-large',
        `${entry.name}: expected rows of at most ${maxBandBytes} bytes in bands of ${unit}, got ${rowBytes} bytes a row. ` +
          'Reshape the tensor, or use a layout with smaller bands.',
      );
    }
    for (let row = 0; row < rows;) {
      const begin = entry.begin + row * rowBytes;
      if (open && (open.file !== entry.file || begin - open.end > bridgedBytes)) open = undefined;
      const room: number = open ? bandBytes - (begin - open.begin) : bandBytes;
      const left = rows - row;
      let rowCount = Math.floor(room / rowBytes);
      rowCount = rowCount >= left ? left : rowCount - (rowCount % unit);
      if (rowCount <= 0) {
        if (open) {
          open = undefined; // full: try again in a read of its own
          continue;
        }
        rowCount = Math.min(unit, left);
      }
      const band = { entry, weights, palettized, firstRow: row, rowCount, begin, end: begin + rowCount * rowBytes };
      if (open) {
        open.bands.push(band);
        open.end = band.end;
      } else {
        open = { file: entry.file, begin, end: band.end, bands: [band] };
        reads.push(open);
      }
      row += rowCount;
    }
  }
  return reads;
}

/** Indices come in blocks that need no other, palettes whole. */
function bandUnit(entry: ComponentEntry, weights: readonly Weight[], palettized: PalettizedEntry | undefined): number {
  if (palettized) return entry === palettized.palette ? Math.max(1, entry.shape[0]!) : 1;
  return bandRowsOf(entry.shape, weights);
}

/** Rows that bands must be a multiple of: what every layout asks for, and 4 elements of a vector (see `plainRows`). */
export function bandRowsOf(shape: readonly number[], weights: readonly Weight[]): number {
  const vectorUnit = shape.length < 2 ? 4 : 1;
  return weights.reduce((unit, weight) => leastCommonMultiple(unit, weight.layout.bandRows), vectorUnit);
}

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y > 0) [x, y] = [y, x % y];
  return (a / x) * b;
}
