import { createHash } from 'node:crypto';
import { mkdir, readFile, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isPleinairError, throwIfCancelled } from '@pleinair/tensor';
import { errnoOf, reasonOf, WeightError } from '../../errors.js';
import { bytesInWords } from '../bytes-in-words.js';
import { chooseFiles } from '../choose-files.js';
import { downloadFile, type MakeHasher } from '../download-file.js';
import { DownloadMeter, listingProgress, type DownloadProgress } from '../download-meter.js';
import { HubClient, type HubAccess, type HubFile } from '../hub-client.js';
import { HubError } from '../hub-error.js';
import { formatHubName, readHubName, type HubName } from '../hub-name.js';
import { inParallel } from '../in-parallel.js';
import { selectFiles, type Repository } from '../select-files.js';
import { findToken, hubCacheFolder, hubEndpointOf, isOffline } from './cache-places.js';
import { ownersOf, PartialFile, removeOrphans } from './partial-file.js';
import { RepoCache, type WeightsVariant } from './repo-cache.js';

/** How to get a model of the Hub into the cache. */
export interface HubDownloadOptions extends HubAccess {
  /** The cache. Default: that of Python's `huggingface_hub` (see {@link hubCacheFolder}). */
  readonly cacheFolder?: string;
  /** True: nothing is asked of the Hub, what is cached must do. Default: what `HF_HUB_OFFLINE` says. */
  readonly offline?: boolean;
  /** Which weights to take where there are both. @defaultValue 'fp16' */
  readonly prefer?: WeightsVariant;
  /** Files at a time. @defaultValue 4 */
  readonly parallel?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: DownloadProgress) => void;
}

/** A model in the cache, whole. */
export interface CachedModel {
  /** As it was named. */
  readonly name: string;
  readonly commit: string;
  /** The folder with its files. */
  readonly folder: string;
  /** Paths in that folder of the files it needs. */
  readonly files: readonly string[];
  /** Of these files. */
  readonly bytes: number;
  /** What came over the net for this call. */
  readonly downloadedBytes: number;
  /** What the user should know, e.g. that the Hub could not be asked whether there is a newer one. */
  readonly notes: readonly string[];
}

/**
 * Gets a model of the Hub, from the cache or the net: the files it needs and no others, each checked against the Hub's checksum
 * before it is put in its place. Goes on where an earlier call ended, however that ended. Node only.
 *
 * @param model - `owner/name`, `owner/name@revision`, or one checkpoint of it: `owner/name/file.safetensors`.
 * @throws `HubError`; `WeightError` `weights/network`, `weights/disk-full`, `weights/not-writable`; `CancelledError`, with what
 *   came until then kept.
 */
export async function downloadModel(model: string, options: HubDownloadOptions = {}): Promise<CachedModel> {
  const endpoint = options.endpoint ?? hubEndpointOf();
  const name = readHubName(model, endpoint);
  const cache = new RepoCache(options.cacheFolder ?? hubCacheFolder(), name.repo);
  throwIfCancelled(options.signal, model);
  if (options.offline ?? isOffline()) {
    const cached = await fromCacheAlone(cache, name, options);
    if (cached) return cached;
    throw notHere(name, cache, 'the Hub is not to be asked (HF_HUB_OFFLINE)');
  }
  const client = new HubClient({ ...options, endpoint, token: options.token ?? (await findToken()) });
  options.onProgress?.(listingProgress(model));
  let commit: string;
  try {
    // A commit does not change: one that is all here needs no question.
    const fixed = /^[0-9a-f]{40}$/.test(name.revision) ? await fromCache(cache, name, options) : undefined;
    if (fixed) return fixed;
    commit = await client.findCommit(name, options);
  } catch (error) {
    if (!isPleinairError(error) || error.code !== 'weights/network') throw error;
    const cached = await fromCacheAlone(cache, name, options);
    if (!cached) throw error;
    return { ...cached, notes: [`${model}: the Hub could not be asked for a newer one: ${error.message}`] };
  }
  const cached = await fromCache(cache, { ...name, revision: commit }, options);
  const result = cached
    ? { ...cached, name: formatHubName(name) }
    : await fetchAll(client, cache, name, commit, options);
  await writing(cache, () => cache.setRef(name.revision, commit));
  return result;
}

/** A model that is all in the cache, as far as we chose its files. Undefined where it is not, or not all. */
async function fromCache(
  cache: RepoCache,
  name: HubName,
  { prefer = 'fp16' }: HubDownloadOptions,
): Promise<CachedModel | undefined> {
  const commit = await cache.commitOf(name.revision);
  if (commit === undefined) return undefined;
  const there = await cache.listSnapshot(commit);
  if (name.file !== undefined) {
    const file = there.filter(({ path }) => path === name.file); // whole, or it would not be in its place
    return file.length > 0 ? found(cache, name, commit, file) : undefined;
  }
  const sizes = new Map(there.map(({ path, size }) => [path, size]));
  const noted = await cache.readChoice(commit, prefer);
  return noted?.every(({ path, size }) => sizes.get(path) === size) ? found(cache, name, commit, noted) : undefined;
}

/** The same where the Hub cannot be asked: what others have put there, or in the other variant, must do as well. */
async function fromCacheAlone(
  cache: RepoCache,
  name: HubName,
  options: HubDownloadOptions,
): Promise<CachedModel | undefined> {
  const { prefer = 'fp16' } = options;
  const other = prefer === 'fp16' ? 'full' : 'fp16';
  const ours = (await fromCache(cache, name, options)) ?? (await fromCache(cache, name, { ...options, prefer: other }));
  const commit = await cache.commitOf(name.revision);
  if (ours || commit === undefined || name.file !== undefined) return ours;
  // A choice of ours that is not all there is a download that was broken off, whatever seems to be enough.
  if ((await cache.readChoice(commit, prefer)) ?? (await cache.readChoice(commit, other))) return undefined;
  const files = await cache.listSnapshot(commit);
  const readText = (path: string): Promise<string> => readFile(cache.pointer(commit, path), 'utf8');
  try {
    return found(cache, name, commit, await selectFiles({ name: name.repo, files, readText }, prefer));
  } catch (error) {
    if (error instanceof WeightError) return undefined;
    throw error;
  }
}

async function fetchAll(
  client: HubClient,
  cache: RepoCache,
  name: HubName,
  commit: string,
  options: HubDownloadOptions,
): Promise<CachedModel> {
  const { signal, onProgress } = options;
  const files = await chooseFiles(client, name, commit, {
    ...options,
    first: (repository) => selectHeld(cache, commit, repository, options.prefer),
  });
  const meter = new DownloadMeter(formatHubName(name), files, onProgress);
  let downloadedBytes = 0;
  await writing(cache, async () => {
    await mkdir(cache.blobs, { recursive: true });
    // First of all: a later run must know that these belong together, should this one be killed.
    if (name.file === undefined) await cache.writeChoice(commit, options.prefer ?? 'fp16', files);
    const missing: HubFile[] = [];
    for (const file of files) {
      if (await cache.holds(commit, file)) meter.done(file.path, file.size);
      else missing.push(file);
    }
    await checkRoom(cache, name, missing);
    // Small ones first: a mistake in the model's configuration shows before gigabytes have come.
    const queue = missing.toSorted((a, b) => a.size - b.size);
    await inParallel(queue, options.parallel ?? 4, signal, async (file, stop) => {
      const bytes = await fetchOne(client, cache, name.repo, commit, file, meter, stop);
      downloadedBytes += bytes;
    });
    await removeOrphans(cache.blobs);
  });
  meter.tell(true);
  return found(cache, name, commit, files, downloadedBytes);
}

/** What can be done with the weights that Python has put there already, in whatever variant: gigabytes need not come twice. */
async function selectHeld(
  cache: RepoCache,
  commit: string,
  repository: Repository<HubFile>,
  prefer: WeightsVariant = 'fp16',
): Promise<HubFile[] | undefined> {
  if (prefer === 'full') return undefined; // asked for on purpose
  const held: HubFile[] = [];
  for (const file of repository.files) {
    if (!file.path.endsWith('.safetensors') || (await cache.holds(commit, file))) held.push(file);
  }
  if (!held.some(({ path }) => path.endsWith('.safetensors'))) return undefined;
  return selectFiles({ ...repository, files: held }, prefer).catch((error: unknown) => {
    if (error instanceof WeightError) return undefined; // not enough of it is there
    throw error;
  });
}

/** Brings one file to its place. Returns how many bytes came over the net. */
async function fetchOne(
  client: HubClient,
  cache: RepoCache,
  repo: string,
  commit: string,
  file: HubFile,
  meter: DownloadMeter,
  signal: AbortSignal,
): Promise<number> {
  let downloaded = 0;
  const isDone = (): Promise<boolean> => cache.holdsBlob(file);
  for (;;) {
    const partial = await PartialFile.claim(cache.blobs, file.checksum.hex, {
      signal,
      isDone,
      onWait: (change) => meter.wait(change),
    });
    if (!partial) break;
    try {
      await downloadFile(client, repo, commit, file, partial, {
        signal,
        makeHasher,
        onPosition: (position, received) => {
          downloaded += received;
          meter.at(file.path, position, received);
        },
      });
    } catch (error) {
      await partial.release();
      throw error;
    }
    if (await partial.finish(cache.blob(file))) break;
  }
  await cache.point(commit, file);
  meter.done(file.path, file.size);
  return downloaded;
}

/** Native hashes: a few times as fast as the network. */
const makeHasher: MakeHasher = (kind, size) => {
  const hash = createHash(kind === 'sha256' ? 'sha256' : 'sha1');
  if (kind === 'git-sha1') hash.update(`blob ${size}\0`);
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('hex') };
};

/** Refuses a download that cannot fit, before it begins. */
async function checkRoom(cache: RepoCache, name: HubName, missing: readonly HubFile[]): Promise<void> {
  const contents = new Map(missing.map(({ checksum, size }) => [checksum.hex, size]));
  let needed = 0;
  for (const size of contents.values()) needed += size;
  for (const file of missing) if (await cache.holdsBlob(file)) needed -= contents.get(file.checksum.hex) ?? 0;
  // What broken-off downloads have left of them is gone on with; a live one may need all its room yet.
  for (const { blob, size, lives } of await ownersOf(cache.blobs)) if (contents.has(blob) && !lives) needed -= size;
  const disk = await statfs(cache.blobs).catch(() => undefined); // not every file system tells
  if (!disk) return;
  const free = disk.bavail * disk.bsize;
  if (needed <= free) return;
  throw new HubError(
    'hub/no-room',
    `${name.repo}: expected ${bytesInWords(needed)} of room in ${dirname(cache.folder)}, got ${bytesInWords(free)}. ` +
      'Free some ("pleinair models list" shows what is kept), or set HF_HOME to a larger disk.',
  );
}

function found(
  cache: RepoCache,
  name: HubName,
  commit: string,
  files: readonly { readonly path: string; readonly size: number }[],
  downloadedBytes = 0,
): CachedModel {
  return {
    name: formatHubName(name),
    commit,
    folder: cache.snapshot(commit),
    files: files.map(({ path }) => path),
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    downloadedBytes,
    notes: [],
  };
}

/** Failures of the disk, in words. */
async function writing<T>(cache: RepoCache, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const errno = errnoOf(error);
    if (isPleinairError(error) || errno === undefined) throw error;
    const full = errno === 'ENOSPC' || errno === 'EDQUOT';
    throw new HubError(
      full ? 'hub/no-room' : 'hub/storage',
      `${cache.folder}: expected to write there, got: ${reasonOf(error)}. ` +
        (full
          ? 'Free some room and start again: it goes on from what came.'
          : 'Check that the folder may be written, or set HF_HOME to another.'),
      { cause: error },
    );
  }
}

function notHere(name: HubName, cache: RepoCache, why: string): HubError {
  return new HubError(
    'hub/offline',
    `${formatHubName(name)}: expected all of it in ${cache.folder}, got not all of it, and ${why}. ` +
      `Download it while there is a connection: pleinair download ${formatHubName(name)}.`,
  );
}
