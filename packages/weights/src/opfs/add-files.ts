import { CancelledError, isPleinairError, throwIfCancelled } from '@pleinair/tensor';
import { reasonOf, WeightError } from '../errors.js';
import type { DownloadMeter } from '../hub/download-meter.js';
import { HubError } from '../hub/hub-error.js';
import type { HubFile } from '../hub/hub-client.js';
import { makeHasher } from './hashers.js';
import { blobName } from './model-record.js';
import { isNamed, type OpfsFolder } from './opfs-folder.js';

/** A file to keep: one that is there, or bytes that are made while they are written, e.g. by a conversion. */
export type AddedFile = Blob | { readonly size: number; readonly bytes: AsyncIterable<Uint8Array> };

/** Writes files under the names of their checksums. One that is broken off leaves nothing. */
export async function addFiles(
  blobs: OpfsFolder,
  name: string,
  files: ReadonlyMap<string, AddedFile>,
  meter: DownloadMeter,
  signal: AbortSignal | undefined,
): Promise<HubFile[]> {
  const added: HubFile[] = [];
  for (const [path, file] of files) {
    try {
      added.push(await addFile(blobs, path, file, meter, signal));
    } catch (error) {
      if (signal?.aborted) throw new CancelledError(name);
      if (isPleinairError(error)) throw error;
      const full = isNamed(error, 'QuotaExceededError');
      throw new HubError(
        full ? 'hub/no-room' : 'hub/storage',
        `${name}: ${path}: expected to write it to the browser's storage, got: ${reasonOf(error)}. ` +
          (full ? 'Delete a model, then add it again.' : 'Add it again.'),
        { cause: error },
      );
    }
  }
  return added;
}

async function addFile(
  blobs: OpfsFolder,
  path: string,
  file: AddedFile,
  meter: DownloadMeter,
  signal: AbortSignal | undefined,
): Promise<HubFile> {
  const hasher = makeHasher('sha256', file.size);
  const fresh = `${crypto.randomUUID()}.new`;
  const handle = (await blobs.find(fresh, true))!;
  let written = 0;
  try {
    const writable = await handle.createWritable();
    try {
      for await (const piece of piecesOf(file)) {
        throwIfCancelled(signal, path);
        hasher.update(piece);
        await writable.write(piece as Uint8Array<ArrayBuffer>);
        written += piece.length;
        meter.at(path, written, piece.length);
      }
      if (written !== file.size) {
        throw new WeightError(
          'weights/truncated',
          `${path}: expected ${file.size} bytes, got ${written}. Add the file again.`,
        );
      }
      await writable.close();
    } catch (error) {
      await writable.abort().catch(() => undefined);
      throw error;
    }
    const checksum = { kind: 'sha256', hex: hasher.digest() } as const;
    await blobs.rename(fresh, blobName(checksum));
    meter.done(path, file.size);
    return { path, size: file.size, checksum };
  } catch (error) {
    await blobs.remove(fresh).catch(() => undefined);
    throw error;
  }
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
