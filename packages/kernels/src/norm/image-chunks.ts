import type { DeviceProfile } from '@pleinair/tensor';
import type { RowBand } from '../shader/row-bands.js';

/**
 * The rows of a batch of images in chunks, none of which reaches over the end of an image. Chunks are numbered through
 * all images.
 */
export interface ImageChunks {
  readonly images: number;
  /** Rows of one image. */
  readonly imageRows: number;
  readonly chunkRows: number;
  readonly chunksPerImage: number;
}

/** A run of chunks whose rows one dispatch binds. */
export interface ChunkBand extends RowBand {
  readonly firstChunk: number;
  readonly chunks: number;
}

/** Invocations wanted at work together: enough to hide memory latency on a large GPU, few on a software adapter. */
const wantedInvocations = { device: 65536, software: 2048 };

/**
 * Cuts images so that one invocation per chunk and vec4 column keeps the adapter busy and a chunk is still long enough
 * that what it leaves behind is small beside what it reads.
 */
export function chunkImages(
  images: number,
  imageRows: number,
  columns: number,
  profile: DeviceProfile,
  mostRows: number,
  least: number,
): ImageChunks {
  const wanted = profile.isSoftware ? wantedInvocations.software : wantedInvocations.device;
  const even = Math.ceil((images * imageRows * columns) / wanted / 8) * 8;
  const chunkRows = Math.max(1, Math.min(Math.max(even, least), 1024, mostRows, imageRows));
  return { images, imageRows, chunkRows, chunksPerImage: Math.ceil(imageRows / chunkRows) };
}

/** Groups chunks into bands of at most `mostRows` rows. */
export function chunkBands(chunks: ImageChunks, mostRows: number): ChunkBand[] {
  const total = chunks.images * chunks.chunksPerImage;
  const startRow = (chunk: number): number =>
    Math.floor(chunk / chunks.chunksPerImage) * chunks.imageRows + (chunk % chunks.chunksPerImage) * chunks.chunkRows;
  const bands: ChunkBand[] = [];
  let firstChunk = 0;
  while (firstChunk < total) {
    const firstRow = startRow(firstChunk);
    let end = firstChunk + 1;
    if (mostRows === Infinity) end = total;
    else while (end < total && startRow(end + 1) - firstRow <= mostRows) end++;
    bands.push({ firstChunk, chunks: end - firstChunk, firstRow, rows: startRow(end) - firstRow });
    firstChunk = end;
  }
  return bands;
}
