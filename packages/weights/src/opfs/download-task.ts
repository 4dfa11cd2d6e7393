import { isPleinairError } from '@pleinair/tensor';
import { reasonOf } from '../errors.js';
import { bytesInWords } from '../hub/bytes-in-words.js';
import { downloadFile } from '../hub/download-file.js';
import { DownloadMeter, type DownloadProgress } from '../hub/download-meter.js';
import { HubClient, type HubAccess, type HubFile } from '../hub/hub-client.js';
import { HubError } from '../hub/hub-error.js';
import { inParallel } from '../hub/in-parallel.js';
import { makeHasher } from './hashers.js';
import { loadedBytes } from './loaded-bytes.js';
import { blobLock, waitForLock } from './locks.js';
import { blobName, partialName } from './model-record.js';
import { isNamed, OpfsFolder } from './opfs-folder.js';
import { OpfsSink } from './opfs-sink.js';

/** What the worker is asked to download. */
export interface DownloadTask {
  /** Folder of blobs in the origin's storage. */
  readonly folder: string;
  /** As the model was named. */
  readonly name: string;
  readonly repo: string;
  readonly commit: string;
  readonly files: readonly HubFile[];
  /** How the Hub is reached; without a `fetch`, which no message can carry. */
  readonly access: Omit<HubAccess, 'fetch'>;
  readonly parallel: number;
}

/**
 * Downloads files into the origin's storage, each under the name of its checksum when it is whole. Dedicated workers only.
 *
 * @throws As `downloadFile`; `HubError` `hub/no-room`, `hub/storage`.
 */
export async function runDownload(
  task: DownloadTask,
  report: (progress: DownloadProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  const client = new HubClient(task.access);
  const blobs = await OpfsFolder.open(task.folder);
  const meter = new DownloadMeter(task.name, task.files, report);
  // Small ones first: a mistake in the model's configuration shows before gigabytes have come.
  const queue = task.files.toSorted((a, b) => a.size - b.size);
  try {
    await inParallel(queue, task.parallel, signal, async (file, stop) => {
      const hold = await waitForLock(blobLock(task.folder, file.checksum.hex), stop, (change) => meter.wait(change));
      try {
        await fetchBlob(client, blobs, task, file, meter, stop);
      } catch (error) {
        throw isNamed(error, 'QuotaExceededError') ? new FullStorage(file.path, error) : inWords(error, task, file);
      } finally {
        hold.release();
      }
      meter.done(file.path, file.size);
    });
  } catch (error) {
    throw error instanceof FullStorage ? await noRoom(error, blobs, task) : error;
  }
  meter.tell(true);
}

async function fetchBlob(
  client: HubClient,
  blobs: OpfsFolder,
  { repo, commit }: DownloadTask,
  file: HubFile,
  meter: DownloadMeter,
  signal: AbortSignal,
): Promise<void> {
  if ((await blobs.size(blobName(file.checksum))) === file.size) return;
  const partial = partialName(file.checksum);
  const sink = await OpfsSink.open(blobs, partial);
  try {
    await downloadFile(client, repo, commit, file, sink, {
      signal,
      makeHasher,
      onPosition: (position, received) => meter.at(file.path, position, received),
    });
  } finally {
    sink.close();
  }
  await blobs.rename(partial, blobName(file.checksum));
}

/** Until all files of the download are closed: only then is it known what came. */
class FullStorage extends Error {
  constructor(
    readonly path: string,
    cause: unknown,
  ) {
    super('the storage is full', { cause });
  }
}

async function noRoom(
  { path, cause }: FullStorage,
  blobs: OpfsFolder,
  { name, files }: DownloadTask,
): Promise<HubError> {
  const missing = files.reduce((sum, { size }) => sum + size, 0) - (await loadedBytes(blobs, files));
  return new HubError(
    'hub/no-room',
    `${name}: ${path}: expected room for the ${bytesInWords(missing)} that have yet to come, got a full storage. ` +
      'What came is kept: delete another model, or free room on the disk, then go on.',
    { cause },
  );
}

function inWords(error: unknown, { name }: DownloadTask, { path }: HubFile): unknown {
  if (isPleinairError(error)) return error;
  return new HubError(
    'hub/storage',
    `${name}: ${path}: expected to write it to the browser's storage, got: ${reasonOf(error)}. Go on by starting it again.`,
    { cause: error },
  );
}
