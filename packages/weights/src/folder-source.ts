import { open, readdir, stat, type FileHandle } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { throwIfCancelled } from '@pleinair/tensor';
import { errnoOf } from './errors.js';
import { createSource, type ModelSource, type SourceFile } from './source.js';

/** A read is cut into pieces of this many bytes, between which a cancel takes effect. */
const pieceBytes = 16 * 1024 * 1024;

/**
 * A model in a folder, in diffusers layout or any other. Node only.
 *
 * @param folder - Its path, absolute or relative to the working folder.
 */
export function folderSource(folder: string): ModelSource {
  const root = resolve(folder);
  return createSource({
    describe: () => `folder ${root}`,
    async size(path) {
      try {
        const entry = await stat(join(root, path));
        return entry.isFile() ? entry.size : undefined;
      } catch (error) {
        if (isAbsence(error)) return undefined;
        throw error;
      }
    },
    // Opened for each read, so there is nothing to close: an open costs microseconds, a read of megabytes milliseconds.
    async readInto(path, start, target, { signal }) {
      let file: FileHandle;
      try {
        file = await open(join(root, path), 'r');
      } catch (error) {
        if (isAbsence(error)) return 0;
        throw error;
      }
      try {
        let got = 0;
        while (got < target.length) {
          throwIfCancelled(signal, path);
          const length = Math.min(pieceBytes, target.length - got);
          const { bytesRead } = await file.read(target, got, length, start + got);
          if (bytesRead === 0) break;
          got += bytesRead;
        }
        return got;
      } finally {
        await file.close();
      }
    },
    list: ({ depth = Infinity, signal }) => filesIn(root, '', depth, signal),
  });
}

/** True where a path leads to a folder. Node only. */
export async function isFolder(path: string): Promise<boolean> {
  return (await stat(resolve(path)).catch(() => undefined))?.isDirectory() ?? false;
}

/** True where a path leads to something. Node only. */
export async function isThere(path: string): Promise<boolean> {
  return (await stat(resolve(path)).catch(() => undefined)) !== undefined;
}

/** Links are followed: the Hub's cache is made of them. */
async function filesIn(root: string, folder: string, depth: number, signal?: AbortSignal): Promise<SourceFile[]> {
  const all = await readdir(join(root, folder)).catch((error: unknown) => {
    if (isAbsence(error)) return []; // no folder has no files
    throw error;
  });
  const names = all.filter((name) => !name.startsWith('.'));
  const files: SourceFile[] = [];
  for (const name of names) {
    throwIfCancelled(signal, root);
    const path = folder ? `${folder}/${name}` : name;
    const entry = await stat(join(root, path)).catch((error: unknown) => {
      if (isAbsence(error)) return undefined; // a link to nothing
      throw error;
    });
    if (entry?.isDirectory()) {
      if (depth > 0) files.push(...(await filesIn(root, path, depth - 1, signal)));
    } else if (entry?.isFile()) files.push({ path, bytes: entry.size });
  }
  return files;
}

function isAbsence(error: unknown): boolean {
  const code = errnoOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}
