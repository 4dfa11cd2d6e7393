import type { DownloadSink } from '../hub/download-file.js';
import { isNamed, type OpfsFolder, type SyncAccess } from './opfs-folder.js';
import { writeInPlace } from './write-in-place.js';

const pieceBytes = 1024 * 1024;

/**
 * A file of the origin's storage that is written in place, so that what came is there after the page was closed. Dedicated workers
 * only: elsewhere browsers write to a copy, which becomes the file when it is closed, and is gone when the page is.
 */
export class OpfsSink implements DownloadSink {
  private constructor(private readonly handle: SyncAccess) {}

  /** Opens a file, made where there is none; waits a little for a page that was closed to let go of it. */
  static async open(folder: OpfsFolder, name: string): Promise<OpfsSink> {
    const file = (await folder.find(name, true))!;
    for (let tries = 0; ; tries++) {
      try {
        return new OpfsSink(await file.createSyncAccessHandle!());
      } catch (error) {
        if (!isNamed(error, 'NoModificationAllowedError') || tries === 50) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  size(): Promise<number> {
    return Promise.resolve(this.handle.getSize());
  }

  async *read(length: number): AsyncIterable<Uint8Array> {
    const piece = new Uint8Array(pieceBytes);
    for (let at = 0; at < length;) {
      const got = this.handle.read(piece.subarray(0, Math.min(pieceBytes, length - at)), { at });
      if (got === 0) return;
      yield piece.subarray(0, got);
      at += got;
      // A long check must not keep a cancel from being heard.
      await new Promise((resolve) => setTimeout(resolve));
    }
  }

  write(position: number, bytes: Uint8Array): Promise<void> {
    writeInPlace(this.handle, bytes, position);
    return Promise.resolve();
  }

  truncate(length: number): Promise<void> {
    this.handle.truncate(length);
    return Promise.resolve();
  }

  close(): void {
    this.handle.flush();
    this.handle.close();
  }
}
