import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { HubFile } from '../hub-client.js';
import { isSafePath } from '../safe-path.js';

/** Which weights are preferred where there are several. */
export type WeightsVariant = 'fp16' | 'full';

/** A file in a snapshot. */
export interface SnapshotFile {
  readonly path: string;
  readonly size: number;
}

/**
 * One model's folder in the cache, laid out as Python's `huggingface_hub` does:
 *
 *     models--owner--name/
 *       blobs/HASH              contents, by sha256 (large files) or git's hash (small ones)
 *       refs/main               the commit that a revision meant last
 *       snapshots/COMMIT/…      the files by their names, as links to blobs
 *       .pleinair/COMMIT-fp16.json   ours: the files chosen of a commit, so that one killed in mid-download is known
 */
export class RepoCache {
  /** Its folder. */
  readonly folder: string;

  constructor(cacheFolder: string, repo: string) {
    this.folder = join(cacheFolder, repoFolder(repo));
  }

  get blobs(): string {
    return join(this.folder, 'blobs');
  }

  snapshot(commit: string): string {
    return join(this.folder, 'snapshots', commit);
  }

  /** Where a file of a snapshot is. */
  pointer(commit: string, path: string): string {
    return join(this.snapshot(commit), ...path.split('/'));
  }

  blob(file: HubFile): string {
    return join(this.blobs, file.checksum.hex);
  }

  /** The commit a revision meant when it was last asked; a whole commit hash means itself. */
  async commitOf(revision: string): Promise<string | undefined> {
    if (/^[0-9a-f]{40}$/.test(revision)) return revision;
    const text = await readFile(join(this.folder, 'refs', ...revision.split('/')), 'utf8').catch(() => '');
    const commit = text.trim();
    return /^[0-9a-f]{40}$/.test(commit) ? commit : undefined;
  }

  /** Notes what a revision means. */
  async setRef(revision: string, commit: string): Promise<void> {
    if (/^[0-9a-f]{40}$/.test(revision)) return;
    const place = join(this.folder, 'refs', ...revision.split('/'));
    // Without a line break, as Python reads it.
    if ((await readFile(place, 'utf8').catch(() => '')) !== commit) await writeWhole(place, commit);
  }

  /** The files that were chosen of a commit for a preference, if that was noted. */
  async readChoice(commit: string, prefer: WeightsVariant): Promise<readonly HubFile[] | undefined> {
    const text = await readFile(this.choicePlace(commit, prefer), 'utf8').catch(() => undefined);
    if (text === undefined) return undefined;
    try {
      const value: unknown = JSON.parse(text);
      return isChoice(value) ? value.files : undefined;
    } catch {
      return undefined; // someone else's, or torn: asking again is all it costs
    }
  }

  /** Notes the files that are chosen of a commit. */
  async writeChoice(commit: string, prefer: WeightsVariant, files: readonly HubFile[]): Promise<void> {
    await writeWhole(this.choicePlace(commit, prefer), `${JSON.stringify({ version: 1, files }, undefined, 2)}\n`);
  }

  /** Forgets all choices of a commit. */
  async forgetChoices(commit: string): Promise<void> {
    for (const prefer of ['fp16', 'full'] as const) await rm(this.choicePlace(commit, prefer), { force: true });
  }

  /** True when a file of a snapshot is there, of the right size. */
  async holds(commit: string, { path, size }: SnapshotFile): Promise<boolean> {
    const entry = await stat(this.pointer(commit, path)).catch(() => undefined);
    return entry?.isFile() === true && entry.size === size;
  }

  /** True when a blob is there, of the right size. */
  async holdsBlob(file: HubFile): Promise<boolean> {
    const entry = await stat(this.blob(file)).catch(() => undefined);
    return entry?.isFile() === true && entry.size === file.size;
  }

  /** All files of a snapshot; those whose blob is gone are left out. */
  async listSnapshot(commit: string): Promise<SnapshotFile[]> {
    const root = this.snapshot(commit);
    const names = await readdir(root, { recursive: true }).catch(() => []);
    const files: SnapshotFile[] = [];
    for (const name of names) {
      const entry = await stat(join(root, name)).catch(() => undefined);
      if (entry?.isFile()) files.push({ path: name.split(sep).join('/'), size: entry.size });
    }
    return files;
  }

  /**
   * Lets a file of a snapshot lead to its blob: by a relative symbolic link; where those may not be made (Windows, some file
   * systems) by a hard link; else the blob itself goes there, as Python does too.
   */
  async point(commit: string, file: HubFile): Promise<void> {
    const pointer = this.pointer(commit, file.path);
    const blob = this.blob(file);
    const fresh = `${pointer}.${randomBytes(6).toString('hex')}.new`;
    await mkdir(dirname(pointer), { recursive: true });
    try {
      await symlink(relative(dirname(pointer), blob), fresh)
        .catch(() => link(blob, fresh))
        .catch(() => rename(blob, fresh));
      await rename(fresh, pointer);
    } catch (error) {
      await rm(fresh, { force: true }).catch(() => undefined);
      // Another process may have put it there first.
      if (!(await this.holds(commit, file))) throw error;
    }
  }

  private choicePlace(commit: string, prefer: WeightsVariant): string {
    return join(this.folder, '.pleinair', `${commit}-${prefer}.json`);
  }
}

/** The name of a model's folder in the cache. */
export function repoFolder(repo: string): string {
  return `models--${repo.split('/').join('--')}`;
}

async function writeWhole(place: string, text: string): Promise<void> {
  await mkdir(dirname(place), { recursive: true });
  const fresh = `${place}.${randomBytes(6).toString('hex')}.new`;
  await writeFile(fresh, text);
  await rename(fresh, place);
}

function isChoice(value: unknown): value is { readonly files: readonly HubFile[] } {
  if (typeof value !== 'object' || value === null || !('version' in value) || value.version !== 1) return false;
  return 'files' in value && Array.isArray(value.files) && value.files.every(isHubFile);
}

function isHubFile(value: unknown): value is HubFile {
  if (typeof value !== 'object' || value === null) return false;
  const { path, size, checksum } = value as Partial<HubFile>;
  return (
    typeof path === 'string' &&
    isSafePath(path) &&
    typeof size === 'number' &&
    typeof checksum?.hex === 'string' &&
    /^[0-9a-f]{40,64}$/.test(checksum.hex) &&
    (checksum.kind === 'sha256' || checksum.kind === 'git-sha1')
  );
}
