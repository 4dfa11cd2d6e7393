import type { SyncAccess } from './opfs-folder.js';

/**
 * Writes all bytes at a position of a file.
 *
 * What a storage without room does to the write differs: by the standard it throws `QuotaExceededError`; Firefox writes what
 * fits, and then nothing; Chromium, where the disk or a private window is full, returns its error −8 read as an unsigned number,
 * more than was to be written (crbug.com/541725401). Taken at its word, a file with a hole would pass as whole.
 *
 * @throws `DOMException` `QuotaExceededError` in all of these.
 */
export function writeInPlace(handle: SyncAccess, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length;) {
    const rest = bytes.subarray(done);
    const written = handle.write(rest, { at: position + done });
    if (written <= 0 || written > rest.length) {
      throw new DOMException('no more bytes could be written', 'QuotaExceededError');
    }
    done += written;
  }
}
