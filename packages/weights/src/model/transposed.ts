import { byteLengthOf } from '../safetensors-dtype.js';
import type { SafetensorsEntry, SafetensorsFile } from '../safetensors-file.js';
import { createSource } from '../source.js';

/**
 * A file that holds one tensor of another with rows and columns changed about, made when it is read. Reading any piece
 * reads the whole tensor: for projections of a few megabytes, whose readers need not know of it.
 *
 * @param entry - Two-dimensional.
 */
export function transposedFile(file: SafetensorsFile, entry: SafetensorsEntry): SafetensorsFile {
  const [rows = 0, columns = 0] = entry.shape;
  const size = byteLengthOf(entry.dtype, []);
  const bytes = entry.end - entry.begin;
  const path = `${file.path}#${entry.name}`;
  const source = createSource({
    describe: () => file.source.describe(),
    size: () => Promise.resolve(bytes),
    async readInto(_, start, target, { signal }) {
      const stored = await file.source.readRange(file.path, entry.begin, entry.end, { signal });
      const turned = new Uint8Array(bytes);
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
          const [from, to] = [(row * columns + column) * size, (column * rows + row) * size];
          for (let byte = 0; byte < size; byte++) turned[to + byte] = stored[from + byte]!;
        }
      }
      const piece = turned.subarray(start, start + target.length);
      target.set(piece);
      return piece.length;
    },
  });
  const turnedEntry = { ...entry, shape: [columns, rows], begin: 0, end: bytes };
  return { source, path, entries: new Map([[entry.name, turnedEntry]]), metadata: file.metadata };
}
