import { CancelledError, isPleinairError, throwIfCancelled } from '@pleinair/tensor';
import { reasonOf } from '../errors.js';
import type { HubFile } from '../hub/hub-client.js';
import { HubError } from '../hub/hub-error.js';
import type { ModelSink } from '../model/sink.js';
import type { ReadOptions } from '../source.js';
import { openWriter } from './file-writer.js';
import { makeHasher } from './hashers.js';
import { blobName } from './model-record.js';
import { isNamed, type OpfsFolder } from './opfs-folder.js';

/** What a {@link StoreSink} does to the store it writes into. */
export interface StoreSinkOptions {
  /** The model, as it was named. */
  readonly model: string;
  /** Where contents lie. */
  readonly blobs: OpfsFolder;
  /** Refuses beforehand what there is no room for. */
  readonly reserve: (bytes: number) => Promise<void>;
  /** Makes these files the model. */
  readonly keep: (files: readonly HubFile[]) => Promise<void>;
  /** Called once, when the sink was committed or discarded. */
  readonly release: () => void;
}

/** A file under the name that only this sink knows. */
interface Pending {
  readonly file: HubFile;
  readonly fresh: string;
}

/**
 * A model of the browser's storage that is there when all of it is. Files are written under names of their own, and get
 * those of their checksums on commit, when the model's record is written: whatever is broken off before, a closed tab
 * too, leaves nothing that counts, and the next one to open the store clears it away.
 */
export class StoreSink implements ModelSink {
  private readonly pending: Pending[] = [];
  private ended = false;

  /** Made by `ModelStore.sink`. */
  constructor(private readonly options: StoreSinkOptions) {}

  describe(): string {
    return `${this.options.model} in this browser's storage`;
  }

  reserve(bytes: number): Promise<void> {
    return this.options.reserve(bytes);
  }

  async write(
    path: string,
    chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    { signal }: ReadOptions = {},
  ): Promise<void> {
    const { model, blobs } = this.options;
    const fresh = `${crypto.randomUUID()}.new`;
    try {
      this.pending.push({ file: await writeFile(blobs, fresh, path, chunks, signal), fresh });
    } catch (error) {
      await blobs.remove(fresh).catch(() => undefined);
      if (signal?.aborted) throw new CancelledError(model);
      throw isPleinairError(error) ? error : inWords(error, model, path);
    }
  }

  async commit(): Promise<void> {
    const { model, blobs, keep } = this.options;
    try {
      const before: Pending[] = [];
      for (const each of this.pending) {
        const { checksum, size } = each.file;
        // What another model has already stays as it is: someone may be reading it.
        if ((await blobs.size(blobName(checksum))) === size) before.push(each);
        else await blobs.rename(each.fresh, blobName(checksum));
      }
      await keep(this.pending.map(({ file }) => file));
      for (const { file, fresh } of before) {
        // Gone meanwhile with the model it was of: there is another.
        if ((await blobs.size(blobName(file.checksum))) === file.size) await blobs.remove(fresh);
        else await blobs.rename(fresh, blobName(file.checksum));
      }
    } catch (error) {
      throw isPleinairError(error) ? error : inWords(error, model, 'its files');
    }
    this.end();
  }

  async discard(): Promise<void> {
    if (this.ended) return;
    for (const { fresh } of this.pending) await this.options.blobs.remove(fresh).catch(() => undefined);
    this.end();
  }

  private end(): void {
    this.ended = true;
    this.options.release();
  }
}

async function writeFile(
  blobs: OpfsFolder,
  name: string,
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<HubFile> {
  throwIfCancelled(signal, path);
  const hasher = makeHasher('sha256', 0);
  let size = 0;
  const writer = await openWriter(blobs, name);
  try {
    for await (const piece of chunks) {
      throwIfCancelled(signal, path);
      hasher.update(piece);
      await writer.write(piece);
      size += piece.length;
    }
    await writer.close();
  } catch (error) {
    await writer.abort().catch(() => undefined);
    throw error;
  }
  return { path, size, checksum: { kind: 'sha256', hex: hasher.digest() } };
}

function inWords(error: unknown, model: string, path: string): HubError {
  const full = isNamed(error, 'QuotaExceededError');
  return new HubError(
    full ? 'hub/no-room' : 'hub/storage',
    `${model}: ${path}: expected to write it to the browser's storage, got: ${reasonOf(error)}. ` +
      (full ? 'Delete a model, then add it again.' : 'Add it again.'),
    { cause: error },
  );
}
