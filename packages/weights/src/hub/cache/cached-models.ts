import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { throwIfCancelled } from '@pleinair/tensor';
import { HubError } from '../hub-error.js';
import { readHubName } from '../hub-name.js';
import { hubCacheFolder } from './cache-places.js';
import { ownersOf } from './partial-file.js';
import { RepoCache, repoFolder } from './repo-cache.js';

/** A revision of a model in the cache. */
export interface CachedRevision {
  readonly commit: string;
  /** Branches and tags that meant it when they were last asked for. */
  readonly refs: readonly string[];
  /** Its folder. */
  readonly folder: string;
  readonly files: number;
  /** Bytes of its files; other revisions may share some. */
  readonly bytes: number;
  /** `incomplete` where a download of ours was broken off; `unknown` where other software has put the files there. */
  readonly state: 'complete' | 'incomplete' | 'unknown';
}

/** A model in the cache. */
export interface CachedRepo {
  /** `owner/name`. */
  readonly repo: string;
  readonly folder: string;
  readonly revisions: readonly CachedRevision[];
  /** Bytes on the disk, what broken-off downloads have left included. */
  readonly bytes: number;
  /** Of these, what broken-off downloads have left. */
  readonly partialBytes: number;
  /** When one of its files was last written. */
  readonly changedAt: Date;
}

/** Which cache. */
export interface CacheOptions {
  /** Default: that of Python's `huggingface_hub`. */
  readonly cacheFolder?: string;
}

/** All models in the cache, those of other software included, by name. Node only. */
export async function listCachedModels({ cacheFolder = hubCacheFolder() }: CacheOptions = {}): Promise<CachedRepo[]> {
  const names = await readdir(cacheFolder).catch(() => []);
  const repos: CachedRepo[] = [];
  for (const name of names.toSorted(byText)) {
    const repo = repoOf(name);
    if (repo !== undefined) repos.push(await readRepo(cacheFolder, repo));
  }
  return repos;
}

/** What {@link removeCachedModel} did. */
export interface RemovedModel {
  /** `owner/name`, with the revision where one was named. */
  readonly name: string;
  readonly freedBytes: number;
}

/**
 * Removes a model from the cache: all of it, or with `@revision` that revision and what only it needs. Node only.
 *
 * @throws `HubError` `hub/not-cached`, `hub/in-use` where a download of it is under way.
 */
export async function removeCachedModel(model: string, options: CacheOptions = {}): Promise<RemovedModel> {
  const { cacheFolder = hubCacheFolder() } = options;
  const { repo, revision } = readHubName(model);
  const cache = new RepoCache(cacheFolder, repo);
  const before = await knownRepo(cacheFolder, repo);
  const busy = (await ownersOf(cache.blobs).catch(() => [])).some(({ lives }) => lives);
  if (busy) {
    throw new HubError('hub/in-use', `${repo}: expected no download of it, got one under way. Wait for it or stop it.`);
  }
  if (!model.includes('@')) {
    await rm(cache.folder, { recursive: true });
    await rm(join(cacheFolder, '.locks', repoFolder(repo)), { recursive: true, force: true });
    return { name: repo, freedBytes: before.bytes };
  }
  const commit = await cache.commitOf(revision);
  const doomed = before.revisions.find((each) => each.commit === commit);
  if (!doomed) throw notCached(model, cacheFolder);
  if (before.revisions.length === 1) return removeCachedModel(repo, options);
  const others = before.revisions.filter((each) => each !== doomed);
  const shared = new Set((await Promise.all(others.map(({ folder }) => blobsOf(folder)))).flat());
  const own = (await blobsOf(doomed.folder)).filter((blob) => !shared.has(blob));
  // References first: what is half removed is then asked for again, not loaded.
  for (const ref of doomed.refs) await rm(join(cache.folder, 'refs', ...ref.split('/')), { force: true });
  await cache.forgetChoices(doomed.commit);
  await rm(doomed.folder, { recursive: true });
  for (const blob of own) await rm(blob, { force: true });
  const freedBytes = before.bytes - (await readRepo(cacheFolder, repo)).bytes;
  return { name: model, freedBytes };
}

/** What {@link verifyCachedModel} found. */
export interface VerifiedModel {
  readonly name: string;
  readonly files: number;
  readonly bytes: number;
  /** Blobs that are not what their name says, by the files that lead to them. They were removed: the next load gets them again. */
  readonly corrupt: readonly string[];
}

/**
 * Reads all files of a model in the cache and checks them against the checksums that name them. What is wrong is removed.
 *
 * @param onProgress - Bytes read, of all.
 * @throws `HubError` `hub/not-cached`; `CancelledError`.
 */
export async function verifyCachedModel(
  model: string,
  options: CacheOptions & {
    readonly signal?: AbortSignal;
    readonly onProgress?: (read: number, total: number) => void;
  } = {},
): Promise<VerifiedModel> {
  const { cacheFolder = hubCacheFolder(), signal, onProgress } = options;
  const { repo } = readHubName(model);
  const { folder, revisions } = await knownRepo(cacheFolder, repo);
  const pathsOf = new Map<string, string[]>();
  for (const revision of revisions) {
    for (const file of await new RepoCache(cacheFolder, repo).listSnapshot(revision.commit)) {
      const path = join(revision.folder, file.path);
      const blob = await realpath(path);
      pathsOf.set(blob, [...(pathsOf.get(blob) ?? []), path]);
    }
  }
  // Where links could not be made, files do not bear their checksum as a name: those cannot be told.
  const blobs = [...pathsOf.keys()].filter((blob) => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(basename(blob)));
  const sizes = await Promise.all(blobs.map(async (blob) => (await stat(blob)).size));
  const total = sizes.reduce((a, b) => a + b, 0);
  let read = 0;
  const corrupt: string[] = [];
  for (const [i, blob] of blobs.entries()) {
    const name = basename(blob);
    const hash = createHash(name.length === 64 ? 'sha256' : 'sha1');
    if (name.length === 40) hash.update(`blob ${sizes[i]}\0`);
    for await (const chunk of createReadStream(blob, { highWaterMark: 1 << 20 })) {
      throwIfCancelled(signal, model);
      hash.update(chunk as Uint8Array);
      read += (chunk as Uint8Array).length;
      onProgress?.(read, total);
    }
    if (hash.digest('hex') === name) continue;
    for (const path of pathsOf.get(blob) ?? []) {
      corrupt.push(path.slice(folder.length + 1));
      await rm(path, { force: true });
    }
    await rm(blob, { force: true });
  }
  return { name: repo, files: blobs.length, bytes: total, corrupt };
}

async function knownRepo(cacheFolder: string, repo: string): Promise<CachedRepo> {
  if (!(await stat(join(cacheFolder, repoFolder(repo))).catch(() => undefined))) throw notCached(repo, cacheFolder);
  return readRepo(cacheFolder, repo);
}

async function readRepo(cacheFolder: string, repo: string): Promise<CachedRepo> {
  const cache = new RepoCache(cacheFolder, repo);
  const refs = await readRefs(join(cache.folder, 'refs'));
  const commits = await readdir(join(cache.folder, 'snapshots')).catch(() => []);
  const revisions = await Promise.all(
    commits
      .filter((commit) => /^[0-9a-f]{40}$/.test(commit))
      .toSorted(byText)
      .map(async (commit): Promise<CachedRevision> => {
        const files = await cache.listSnapshot(commit);
        return {
          commit,
          refs: refs.filter((ref) => ref.commit === commit).map(({ name }) => name),
          folder: cache.snapshot(commit),
          files: files.length,
          bytes: files.reduce((sum, { size }) => sum + size, 0),
          state: await stateOf(cache, commit),
        };
      }),
  );
  const { bytes, changedAt } = await weigh(cache.folder);
  const partials = await readdir(cache.blobs).catch(() => []);
  let partialBytes = 0;
  for (const name of partials.filter((each) => each.endsWith('.incomplete'))) {
    partialBytes += (await stat(join(cache.blobs, name)).catch(() => undefined))?.size ?? 0;
  }
  return { repo, folder: cache.folder, revisions, bytes, partialBytes, changedAt: new Date(changedAt) };
}

async function stateOf(cache: RepoCache, commit: string): Promise<CachedRevision['state']> {
  const choices = await Promise.all((['fp16', 'full'] as const).map((prefer) => cache.readChoice(commit, prefer)));
  const noted = choices.filter((choice) => choice !== undefined);
  for (const choice of noted) {
    const held = await Promise.all(choice.map((file) => cache.holds(commit, file)));
    if (held.every(Boolean)) return 'complete';
  }
  return noted.length > 0 ? 'incomplete' : 'unknown';
}

/** Bytes of files under a folder, links left out, and the newest file's time. Hard links count once. */
async function weigh(folder: string): Promise<{ bytes: number; changedAt: number }> {
  const seen = new Set<string>();
  let bytes = 0;
  let changedAt = 0;
  for (const name of await readdir(folder, { recursive: true }).catch(() => [])) {
    const entry = await lstat(join(folder, name)).catch(() => undefined);
    if (!entry?.isFile()) continue;
    const inode = `${entry.dev}:${entry.ino}`;
    if (entry.nlink > 1 && seen.has(inode)) continue;
    seen.add(inode);
    bytes += entry.size;
    changedAt = Math.max(changedAt, entry.mtimeMs);
  }
  return { bytes, changedAt };
}

async function readRefs(folder: string): Promise<{ name: string; commit: string }[]> {
  const refs: { name: string; commit: string }[] = [];
  for (const name of await readdir(folder, { recursive: true }).catch(() => [])) {
    const text = await readFile(join(folder, name), 'utf8').catch(() => undefined); // folders are no refs
    if (text !== undefined) refs.push({ name: name.replaceAll('\\', '/'), commit: text.trim() });
  }
  return refs;
}

async function blobsOf(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const paths = await Promise.all(names.map((name) => realpath(join(folder, name)).catch(() => undefined)));
  const files: string[] = [];
  for (const path of paths) if (path !== undefined && (await stat(path)).isFile()) files.push(path);
  return files;
}

function repoOf(folder: string): string | undefined {
  const [kind, ...rest] = folder.split('--');
  return kind === 'models' && rest.length === 2 ? rest.join('/') : undefined;
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1;
}

function notCached(name: string, cacheFolder: string): HubError {
  return new HubError(
    'hub/not-cached',
    `${name}: expected it in the cache ${cacheFolder}, got none of that name. "pleinair models list" shows what is there.`,
  );
}
