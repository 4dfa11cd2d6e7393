import { open, rename, rm } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { isPleinairError, throwIfCancelled } from '@pleinair/tensor';
import { encodeSafetensors, type EncodeOptions, type TensorToWrite } from './encode.js';
import { errnoOf, reasonOf, WeightError } from './errors.js';

/** Options of {@link writeFileAtomically}. */
export interface WriteOptions {
  /** Stops the writing with a `CancelledError`; nothing is left behind. */
  readonly signal?: AbortSignal;
}

/** What a write needs of an open file. */
interface WritableFile {
  write(bytes: Uint8Array, offset: number, length: number): Promise<{ bytesWritten: number }>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The file operations a write needs; tests put in ones that fail. */
export interface WriteFileSystem {
  open(path: string, flags: string): Promise<WritableFile>;
  rename(from: string, to: string): Promise<void>;
  rm(path: string, options: { force: boolean }): Promise<void>;
}

/**
 * Writes a file whole or not at all: beside its place under another name, flushed to the disk, then renamed. Node only.
 * A file already there is replaced, and stays as it was when writing fails.
 *
 * @param chunks - The bytes, made while they are written.
 * @throws `WeightError` `weights/disk-full`, `weights/not-writable` or `weights/write`; `CancelledError`.
 */
export async function writeFileAtomically(
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  options: WriteOptions = {},
  files: WriteFileSystem = { open, rename, rm },
): Promise<void> {
  throwIfCancelled(options.signal, `writing ${path}`);
  const partial = join(dirname(path), `.${basename(path)}.${randomUUID()}.partial`);
  let file: WritableFile | undefined;
  try {
    file = await files.open(partial, 'wx');
    for await (const chunk of chunks) {
      for (let done = 0; done < chunk.length;) {
        throwIfCancelled(options.signal, `writing ${path}`);
        done += (await file.write(chunk, done, chunk.length - done)).bytesWritten;
      }
    }
    await file.sync();
    await file.close();
    file = undefined;
    throwIfCancelled(options.signal, `writing ${path}`);
    await files.rename(partial, path);
  } catch (error) {
    await file?.close().catch(() => undefined);
    await files.rm(partial, { force: true }).catch(() => undefined);
    throw isPleinairError(error) ? error : describeFailure(path, error);
  }
  await flushFolder(dirname(path));
}

/**
 * Writes a safetensors file whole or not at all. Node only; elsewhere use {@link encodeSafetensors}.
 *
 * @throws What {@link writeFileAtomically} and {@link encodeSafetensors} throw.
 */
export function writeSafetensors(
  path: string,
  tensors: readonly TensorToWrite[],
  options: EncodeOptions & WriteOptions = {},
): Promise<void> {
  return writeFileAtomically(path, encodeSafetensors(tensors, options), options);
}

function describeFailure(path: string, error: unknown): WeightError {
  const errno = errnoOf(error);
  const fail = (code: string, expected: string, cure: string) =>
    new WeightError(`weights/${code}`, `${path}: expected ${expected}, got: ${reasonOf(error)}. ${cure}`, {
      cause: error,
    });
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    return fail('disk-full', 'room on the disk', 'Free some, or write elsewhere. Nothing was left behind.');
  }
  if (['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR', 'EISDIR'].includes(errno ?? '')) {
    return fail('not-writable', 'a place that can be written', 'Check that the folder exists and may be written.');
  }
  return fail('write', 'to write the file', 'Nothing was left behind.');
}

/** Makes the rename itself last through a power cut. Not every system lets a folder be opened; the file is there anyway. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close().catch(() => undefined);
}
