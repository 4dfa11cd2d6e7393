import { WeightError } from '../errors.js';

/** A file to keep: one that is there, or bytes that are made while they are written, e.g. by a conversion. */
export type AddedFile = Blob | { readonly size: number; readonly bytes: AsyncIterable<Uint8Array> };

/**
 * The bytes of a file, counted.
 *
 * @param onPiece - Told where the file is after each piece, and the bytes of that piece.
 * @throws `WeightError` `weights/truncated` where they are more or less than was said.
 */
export async function* addedBytes(
  path: string,
  file: AddedFile,
  onPiece: (position: number, bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  let position = 0;
  for await (const piece of piecesOf(file)) {
    yield piece;
    position += piece.length;
    onPiece(position, piece.length);
  }
  if (position === file.size) return;
  throw new WeightError(
    'weights/truncated',
    `${path}: expected ${file.size} bytes, got ${position}. Add the file again.`,
  );
}

async function* piecesOf(file: AddedFile): AsyncIterable<Uint8Array> {
  if (!(file instanceof Blob)) {
    yield* file.bytes;
    return;
  }
  // Not every browser lets streams be iterated.
  const reader = file.stream().getReader();
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value;
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
