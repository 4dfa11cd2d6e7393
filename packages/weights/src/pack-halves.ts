import { fromHalfArray, type PackedPiece, type Weight } from '@pleinair/tensor';
import { WeightError } from './errors.js';
import { bandRowsOf } from './read-plan.js';
import { elementCount } from './safetensors-dtype.js';

/** Elements laid out at a time, or one band where that is more. */
const bandElements = 2 * 1024 * 1024;

/**
 * Lays out a tensor that is in memory, as {@link loadWeights} does one of a file: for weights that are changed after they
 * were loaded. A band at a time, so that the copy stays small whatever the tensor's size.
 *
 * @param weight - Of a graph; stored in f16 or f32.
 * @param halves - The tensor's half bits, in the checkpoint's order.
 * @returns Pieces that cover the weight.
 * @throws `WeightError` `weights/shape-mismatch` where there are not as many halves as the weight has elements;
 * `weights/palettized` for a weight that is indices and palettes on the GPU.
 */
export function* packHalves(weight: Weight, halves: Uint16Array<ArrayBuffer>): Generator<PackedPiece> {
  const { source, layout, storage, palette } = weight;
  if (palette) {
    throw new WeightError(
      'weights/palettized',
      `${source.name}: expected a weight that lies plain on the GPU, got a palettized one. Record the graph without palettes.`,
    );
  }
  const elements = elementCount(source.shape);
  if (halves.length !== elements) {
    throw new WeightError(
      'weights/shape-mismatch',
      `${source.name}: expected ${elements} values for [${source.shape.join(', ')}], got ${halves.length}. Give the whole tensor.`,
    );
  }
  const rows = source.shape[0] ?? 1;
  const columns = elements / rows;
  const unit = bandRowsOf(source.shape, [weight]);
  const bandRows = Math.max(1, Math.floor(bandElements / (columns * unit))) * unit;
  for (let row = 0; row < rows; row += bandRows) {
    const count = Math.min(bandRows, rows - row);
    const band = halves.subarray(row * columns, (row + count) * columns);
    yield* layout.pack(storage === 'f32' ? fromHalfArray(band) : band, row, count, source.shape);
  }
}
