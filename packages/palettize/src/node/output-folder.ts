import { randomUUID } from 'node:crypto';
import { lstat, mkdir, rename, rm, statfs } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { PalettizeError } from '../errors.js';

/** The disk operations an output folder needs; tests put in ones that fail. */
export interface FolderSystem {
  /** Bytes free for the user on the disk that a folder lies on. */
  freeBytes(folder: string): Promise<number>;
}

const thisSystem: FolderSystem = {
  async freeBytes(folder) {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  },
};

/**
 * Fills a folder whole or not at all: a sibling under another name is filled, then renamed. When filling fails, or is
 * cancelled, nothing is left.
 *
 * @param out - A folder that is not there; its parent is.
 * @param bytes - What will be written, to be refused beforehand where there is no room.
 * @throws `PalettizeError` `palettize/output-exists`, `palettize/no-room`, `palettize/not-writable`; what `fill` throws.
 */
export async function fillFolder<T>(
  out: string,
  bytes: number,
  fill: (folder: string) => Promise<T>,
  system: FolderSystem = thisSystem,
): Promise<T> {
  const target = resolve(out);
  if (await isThere(target)) throw existing(target);
  const parent = dirname(target);
  const free = await system.freeBytes(parent).catch((error: unknown) => {
    throw notWritable(target, error);
  });
  if (free < bytes) {
    throw new PalettizeError(
      'palettize/no-room',
      `${target}: expected ${megabytes(bytes)} free on its disk, got ${megabytes(free)}. Free some, or write elsewhere.`,
    );
  }
  const partial = join(parent, `.${basename(target)}.${randomUUID()}.partial`);
  try {
    await mkdir(partial).catch((error: unknown) => {
      throw notWritable(target, error);
    });
    const result = await fill(partial);
    // Where it has come to be in the meantime, an empty folder would be replaced silently.
    if (await isThere(target)) throw existing(target);
    await rename(partial, target).catch((error: unknown) => {
      throw notWritable(target, error);
    });
    return result;
  } catch (error) {
    await rm(partial, { recursive: true, force: true }).catch(() => undefined);
    throw error;
  }
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

function existing(target: string): PalettizeError {
  return new PalettizeError(
    'palettize/output-exists',
    `${target}: expected a folder that is not there yet, got one that is. Remove it, or name another.`,
  );
}

function notWritable(target: string, error: unknown): PalettizeError {
  const reason = error instanceof Error ? error.message : String(error);
  return new PalettizeError(
    'palettize/not-writable',
    `${target}: expected a place that can be written, got: ${reason}. Check that its parent folder exists and may be written.`,
    { cause: error },
  );
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
