import { throwIfCancelled } from '@pleinair/tensor';
import { blobSource } from '../blob-source.js';
import { WeightError } from '../errors.js';
import type { ModelSource } from '../source.js';
import type { ModelSink } from './sink.js';

/** A model written to memory. */
export interface MemorySink extends ModelSink {
  /**
   * The model, once it is committed.
   *
   * @throws WeightError `weights/read` before that.
   */
  source(): ModelSource;
}

/** Options of {@link memorySink}. */
export interface MemorySinkOptions {
  /** How messages call it. @defaultValue 'memory' */
  readonly name?: string;
  /** Refuses models beyond so many bytes. @defaultValue 1 GiB */
  readonly mostBytes?: number;
  /** Which files are kept, by path; all by default. The others are written to nowhere, so that they may lie in another layer. */
  readonly keeps?: (path: string) => boolean;
}

/** Keeps a model in memory, for a small one that is to be tried at once: of a browser, in Blobs. */
export function memorySink(options: MemorySinkOptions = {}): MemorySink {
  const { name = 'memory', mostBytes = 2 ** 30, keeps = () => true } = options;
  const files = new Map<string, Blob>();
  let bytes = 0;
  let isWhole = false;
  const assertRoom = (wanted: number): void => {
    if (wanted <= mostBytes) return;
    throw new WeightError(
      'weights/no-room',
      `${name}: expected a model of at most ${mostBytes} bytes, got ${wanted}. Write it to a folder instead.`,
    );
  };
  return {
    describe: () => name,
    // What is not kept takes no room, and how much that is shows only when it is written.
    reserve: async (wanted) => (options.keeps ? undefined : assertRoom(wanted)),
    async write(path, chunks, { signal } = {}) {
      if (!keeps(path)) return;
      const pieces: Uint8Array<ArrayBuffer>[] = [];
      for await (const chunk of chunks) {
        throwIfCancelled(signal, path);
        bytes += chunk.length;
        assertRoom(bytes);
        pieces.push(chunk.slice()); // the writer may use its memory again
      }
      files.set(path, new Blob(pieces));
    },
    commit: async () => {
      isWhole = true;
    },
    discard: async () => {
      if (!isWhole) files.clear();
    },
    source() {
      if (isWhole) return blobSource(files, name);
      throw new WeightError(
        'weights/read',
        `${name}: expected a whole model, got one being written. Await what writes it.`,
      );
    },
  };
}
