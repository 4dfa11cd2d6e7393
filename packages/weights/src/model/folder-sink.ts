import { randomUUID } from 'node:crypto';
import { lstat, mkdir, readdir, realpath, rename, rm, statfs } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { errnoOf, reasonOf, WeightError } from '../errors.js';
import { writeFileAtomically } from '../write-file.js';
import type { ModelSink } from './sink.js';

/** The disk operations a sink needs; tests put in ones that fail. */
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

/** Options of {@link folderSink}. */
export interface FolderSinkOptions {
  /** Takes the place of a folder that is there; of a model's only, known by its `model_index.json` or `config.json`. */
  readonly replace?: boolean;
  /** A path that is read meanwhile: it must not lie in the folder to write, which replacing would lose. */
  readonly from?: string;
  readonly system?: FolderSystem;
}

/**
 * A folder that appears when it is complete: a sibling under another name is filled, then renamed. What earlier processes
 * left half done, because they were killed, is removed first; a model that one of them had just set aside is put back.
 * Node only.
 *
 * @param out - A folder that is not there or is empty; its parent is.
 * @throws `WeightError` `weights/output-exists`, `weights/not-writable`; on reserving, `weights/no-room`.
 */
export async function folderSink(out: string, options: FolderSinkOptions = {}): Promise<ModelSink> {
  const { replace = false, from, system = thisSystem } = options;
  const target = resolve(out);
  if (from !== undefined) await assertApart(from, target);
  await clearUp(target);
  await checkTarget(target, replace);
  const parent = dirname(target);
  const beside = (ending: Ending): string =>
    join(parent, `.${basename(target)}.${process.pid}-${randomUUID()}.${ending}`);
  const partial = beside('partial');
  const orNotWritable = (error: unknown): never => {
    throw notWritable(target, error);
  };
  await mkdir(partial).catch(orNotWritable);
  return {
    describe: () => `folder ${target}`,
    async reserve(bytes) {
      const free = await system.freeBytes(parent).catch(orNotWritable);
      if (free >= bytes) return;
      throw new WeightError(
        'weights/no-room',
        `${target}: expected ${megabytes(bytes)} free on its disk, got ${megabytes(free)}. Free some, or write elsewhere.`,
      );
    },
    async write(path, chunks, { signal } = {}) {
      const file = join(partial, path);
      await mkdir(dirname(file), { recursive: true }).catch(orNotWritable);
      await writeFileAtomically(file, chunks, { signal });
    },
    async commit() {
      // What has come to be there in the meantime is not to be lost.
      await checkTarget(target, replace);
      await putInPlace(partial, target, beside('replaced')).catch(orNotWritable);
    },
    discard: () => rm(partial, { recursive: true, force: true }).catch(() => undefined),
  };
}

type Ending = 'partial' | 'replaced';

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

/** Removes what processes that are gone left beside a folder, and puts back what one of them had set aside. */
async function clearUp(target: string): Promise<void> {
  const parent = dirname(target);
  const left = new RegExp(`^\\.${escaped(basename(target))}\\.(\\d+)-[0-9a-f-]{36}\\.(partial|replaced)$`);
  for (const name of await readdir(parent).catch(() => [])) {
    const [, pid, ending] = left.exec(name) ?? [];
    if (!pid || isAlive(Number(pid))) continue;
    const path = join(parent, name);
    // Killed between the two renames: the old model is whole, and nothing is in its place.
    if (
      ending === 'replaced' &&
      (await rename(path, target).then(
        () => true,
        () => false,
      ))
    )
      continue;
    await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === 'EPERM'; // there, but another user's
  }
}

/** Checks that an output folder is neither the one that is read nor one around it. */
async function assertApart(model: string, out: string): Promise<void> {
  const [from, to] = await Promise.all([model, out].map((path) => realpath(path).catch(() => resolve(path))));
  const way = relative(to!, from!);
  if (way.startsWith('..') || isAbsolute(way)) return;
  throw new WeightError(
    'weights/output-exists',
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
  throw new WeightError(
    'weights/output-exists',
    `${target}: expected ${replace ? 'a model folder to replace' : 'a folder that is not there yet'}, got ${got}. ` +
      (isModel ? 'Allow it to be replaced (--force), or name another place.' : 'Name another place.'),
  );
}

function notWritable(target: string, error: unknown): WeightError {
  return new WeightError(
    'weights/not-writable',
    `${target}: expected a place that can be written, got: ${reasonOf(error)}. Check that its parent folder exists and may be written.`,
    { cause: error },
  );
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** A text as a pattern that matches it alone. */
function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
}
