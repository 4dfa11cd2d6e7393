import { randomUUID } from 'node:crypto';
import { lstat, mkdir, readdir, realpath, rename, rm, statfs } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
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

/** Options of {@link fillFolder}. */
export interface FillOptions {
  /** Takes the place of a folder that is there; of a model's only, known by its `model_index.json` or `config.json`. */
  readonly replace?: boolean;
  readonly system?: FolderSystem;
}

/**
 * Fills a folder whole or not at all: a sibling under another name is filled, then renamed. When filling fails, or is
 * cancelled, nothing is left, and a folder that was to be replaced is as it was.
 *
 * @param out - A folder that is not there or is empty; its parent is.
 * @param bytes - What will be written, to be refused beforehand where there is no room.
 * @throws `PalettizeError` `palettize/output-exists`, `palettize/no-room`, `palettize/not-writable`; what `fill` throws.
 */
export async function fillFolder<T>(
  out: string,
  bytes: number,
  fill: (folder: string) => Promise<T>,
  { replace = false, system = thisSystem }: FillOptions = {},
): Promise<T> {
  const target = resolve(out);
  await checkTarget(target, replace);
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
  const beside = (ending: string) => join(parent, `.${basename(target)}.${randomUUID()}.${ending}`);
  const partial = beside('partial');
  try {
    await mkdir(partial).catch((error: unknown) => {
      throw notWritable(target, error);
    });
    const result = await fill(partial);
    // What has come to be there in the meantime is not to be lost.
    await checkTarget(target, replace);
    await putInPlace(partial, target, beside('replaced')).catch((error: unknown) => {
      throw notWritable(target, error);
    });
    return result;
  } catch (error) {
    await rm(partial, { recursive: true, force: true }).catch(() => undefined);
    throw error;
  }
}

/** Renames a folder into its place; what is there is set aside first, put back if that fails, and removed in the end. */
async function putInPlace(from: string, target: string, aside: string): Promise<void> {
  const wasThere = await rename(target, aside).then(
    () => true,
    (error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return false;
      throw error;
    },
  );
  try {
    await rename(from, target);
  } catch (error) {
    if (wasThere) await rename(aside, target);
    throw error;
  }
  // The new folder stands; what cannot be removed of the old one is no failure of it.
  if (wasThere) await rm(aside, { recursive: true, force: true }).catch(() => undefined);
}

/**
 * Checks that an output folder is neither the model's own nor one around it: replacing it would lose what is read.
 *
 * @throws `PalettizeError` `palettize/output-exists`.
 */
export async function assertApart(model: string, out: string): Promise<void> {
  const [from, to] = await Promise.all([model, out].map((path) => realpath(path).catch(() => resolve(path))));
  const way = relative(to!, from!);
  if (way.startsWith('..') || isAbsolute(way)) return;
  throw new PalettizeError(
    'palettize/output-exists',
    `${out}: expected another folder than the model's own, got one that holds ${model}. Name another place.`,
  );
}

/** Throws where there is something at a place that must not be replaced. */
async function checkTarget(target: string, replace: boolean): Promise<void> {
  const there = await lstat(target).catch(() => undefined);
  if (!there) return;
  const names = there.isDirectory() ? await readdir(target) : undefined;
  if (names?.length === 0) return;
  const isModel = names?.some((name) => name === 'model_index.json' || name === 'config.json') ?? false;
  if (replace && isModel) return;
  const got = names === undefined ? 'something else' : isModel ? 'a model' : 'a folder of other things';
  throw new PalettizeError(
    'palettize/output-exists',
    `${target}: expected ${replace ? 'a model folder to replace' : 'a folder that is not there yet'}, got ${got}. ` +
      (isModel ? 'Allow it to be replaced (--force), or name another place.' : 'Name another place.'),
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

function errnoOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
