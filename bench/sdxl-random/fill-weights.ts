import { randomBytes } from '@pleinair/bench';
import {
  fromHalfArray,
  indexPiece,
  paletteBlocks,
  palettePiece,
  toHalfArray,
  type PackedPiece,
  type Program,
  type Weight,
} from '@pleinair/tensor';
import { seededWeight } from '@pleinair/testing';

/** Elements made and uploaded at a time. */
const pieceElements = 4 * 2 ** 20;

/**
 * Fills a program's weights from their names (`seededWeight`): piece by piece, so that a model of gigabytes needs neither a
 * file nor host memory. What is filled already stays.
 */
export async function fillWeights(program: Program): Promise<void> {
  for (const weight of program.weights) {
    if (program.store.isFilled(weight)) continue;
    await program.uploadWeight(weight, weight.palette ? palettizedPieces(weight) : plainPieces(weight));
  }
  await program.store.flush();
}

function* plainPieces({ source, layout, storage }: Weight): Generator<PackedPiece> {
  const { name, shape } = source;
  const fill = seededWeight(name, shape);
  const [rows = 1] = shape;
  const columns = shape.slice(1).reduce((a, b) => a * b, 1);
  // Layouts take bands of 1, 4 or 32 rows, or of multiples of 32.
  const unit = Math.max(4, layout.bandRows);
  const band = Math.max(1, Math.floor(pieceElements / columns / unit)) * unit;
  for (let first = 0; first < rows; first += band) {
    const count = Math.min(band, rows - first);
    const halves = new Uint16Array(count * columns);
    fill(halves, first * columns);
    yield* layout.pack(storage === 'f16' ? halves : fromHalfArray(halves), first, count, shape);
  }
}

/** A palette of evenly spread entries with the variance that products need, and indices as they fall. */
function* palettizedPieces(weight: Weight): Generator<PackedPiece> {
  const { name, shape } = weight.source;
  const { bits, group } = weight.palette!;
  const [rows = 1] = shape;
  const columns = shape.slice(1).reduce((a, b) => a * b, 1);
  const entries = 2 ** bits;
  const scale = Math.sqrt(3 / columns);
  const palette = Float32Array.from({ length: entries }, (_, i) => scale * ((2 * i + 1) / entries - 1));
  const palettes = group ? Math.ceil(rows / group) : 1;
  const table = new Float32Array(palettes * entries);
  for (let i = 0; i < palettes; i++) table.set(palette, i * entries);
  yield palettePiece(weight, toHalfArray(table));
  const blocks = paletteBlocks(rows);
  const blockBytes = 4 * columns * bits;
  const atOnce = Math.max(1, Math.floor((2 * pieceElements) / blockBytes));
  for (let first = 0; first < blocks; first += atOnce) {
    const count = Math.min(atOnce, blocks - first);
    yield indexPiece(weight, randomBytes(`${name} ${first}`, count * blockBytes), first, count);
  }
}
