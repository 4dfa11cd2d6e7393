import type { ReadOptions } from '../source.js';

/**
 * Where the files of a model are written: all of them appear when it is committed, or none. Made by `folderSink`. Paths are
 * relative to the model, with `/` between names.
 */
export interface ModelSink {
  /** The place in words, for messages. */
  describe(): string;
  /** Refuses beforehand what there is no room for. */
  reserve(bytes: number): Promise<void>;
  /** Writes a file; its bytes are made while they are written. */
  write(path: string, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, options?: ReadOptions): Promise<void>;
  /** Puts everything in its place. */
  commit(): Promise<void>;
  /** Removes what was written; does nothing after a commit. */
  discard(): Promise<void>;
}

/**
 * Fills a sink whole or not at all.
 *
 * @param bytes - About what will be written.
 * @param fill - Writes the files.
 * @throws What `fill` and the sink throw; nothing is left then.
 */
export async function fillSink<T>(sink: ModelSink, bytes: number, fill: () => Promise<T>): Promise<T> {
  try {
    await sink.reserve(bytes);
    const result = await fill();
    await sink.commit();
    return result;
  } catch (error) {
    await sink.discard();
    throw error;
  }
}
