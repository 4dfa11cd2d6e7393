import { createHash } from 'node:crypto';
import { DiskFile } from './disk-file.js';

/** What a repository on the test Hub is like, beside its files. */
export interface RepoManners {
  /** Files are given only to the tokens in {@link HubRepo.granted}. */
  readonly gated?: boolean;
  /** Only known tokens see it at all. */
  readonly private?: boolean;
}

/** A file as the Hub's tree listing tells of it. */
export interface HubTreeEntry {
  readonly type: 'file';
  readonly path: string;
  readonly size: number;
  /** SHA-1 of the git blob: of the file, or of the pointer that stands for it. */
  readonly oid: string;
  readonly lfs?: { readonly oid: string; readonly size: number; readonly pointerSize: number };
}

/** What a file holds. */
export type HubContent = Uint8Array | DiskFile;

/** One state of a repository. */
export interface HubCommit {
  readonly sha: string;
  readonly files: ReadonlyMap<string, HubContent>;
  readonly tree: readonly HubTreeEntry[];
}

/** A repository on the test Hub. */
export class HubRepo {
  readonly commits = new Map<string, HubCommit>();
  /** Branches, by name: commits. */
  readonly branches = new Map<string, string>();
  readonly tags = new Map<string, string>();
  readonly granted = new Set<string>();

  constructor(
    readonly name: string,
    readonly manners: RepoManners,
  ) {}

  /** The commit that a branch, tag or hash means. */
  find(revision: string): HubCommit | undefined {
    return this.commits.get(this.branches.get(revision) ?? this.tags.get(revision) ?? revision);
  }

  /** Adds a state and lets a branch point at it. */
  commit(files: ReadonlyMap<string, HubContent>, branch: string): HubCommit {
    const tree = [...files].map(([path, bytes]) => treeEntry(path, bytes));
    const sha = createHash('sha1')
      .update(JSON.stringify([this.name, tree]))
      .digest('hex');
    const commit = { sha, files, tree };
    this.commits.set(sha, commit);
    this.branches.set(branch, sha);
    return commit;
  }
}

/** As on the real Hub: binary formats go by Git LFS whatever their size. */
const largeFile = /\.(safetensors|bin|ckpt|pt|pth|msgpack|onnx)$/;

function treeEntry(path: string, content: HubContent): HubTreeEntry {
  const { length: size } = content;
  const onDisk = content instanceof DiskFile;
  if (!onDisk && !largeFile.test(path)) return { type: 'file', path, size, oid: gitBlobId(content) };
  const oid = onDisk ? content.sha256 : createHash('sha256').update(content).digest('hex');
  const pointer = Buffer.from(`version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${size}\n`);
  return { type: 'file', path, size, oid: gitBlobId(pointer), lfs: { oid, size, pointerSize: pointer.length } };
}

/** How git names a file's content. */
export function gitBlobId(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}
