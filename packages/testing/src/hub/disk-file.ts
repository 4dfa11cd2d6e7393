import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

/** A file to publish that stays on the disk: what is as large as real weights is no thing to hold in memory. */
export class DiskFile {
  private constructor(
    readonly path: string,
    /** Bytes. */
    readonly length: number,
    /** Of its bytes, in hexadecimal. */
    readonly sha256: string,
  ) {}

  /** Reads the file once, for its checksum; it must not change from then on. */
  static async open(path: string): Promise<DiskFile> {
    const { size } = await stat(path);
    const hash = createHash('sha256');
    for await (const piece of createReadStream(path, { highWaterMark: pieceBytes })) hash.update(piece as Buffer);
    return new DiskFile(path, size, hash.digest('hex'));
  }

  /** Its bytes from `first` to `end` (not included), piece by piece. */
  read(first: number, end: number): AsyncIterable<Buffer> {
    if (first >= end) return createEmpty();
    return createReadStream(this.path, { start: first, end: end - 1, highWaterMark: pieceBytes });
  }
}

const pieceBytes = 1 << 20;

// oxlint-disable-next-line typescript/require-await -- of the form of a stream
async function* createEmpty(): AsyncGenerator<Buffer> {
  // A stream's end is its last byte: it cannot say that there is none.
}
