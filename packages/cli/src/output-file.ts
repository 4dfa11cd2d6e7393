import { access, constants, link, mkdir, open, rename, rm, stat, unlink } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { PleinairError } from '@pleinair/tensor';

/** A picture could not be put where it was asked for. */
export class OutputError extends PleinairError {}

/** A name for a file from a prompt: at most 60 characters of letters, digits and dashes, never empty. */
export function slug(prompt: string): string {
  const words = prompt
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-');
  let cut = '';
  let bytes = 0;
  for (const letter of Array.from(words).slice(0, 60)) {
    // File systems count bytes, 255 of them, and the seed, an ending and a temporary name have to fit as well.
    bytes += new TextEncoder().encode(letter).length;
    if (bytes > 180) break;
    cut += letter;
  }
  cut = cut.replace(/^-+|-+$/g, '');
  return cut || 'picture';
}

/**
 * Decides where pictures or other results go, before any work is done.
 *
 * @param out - What the option said: a file for one picture, a folder for several. A path that exists as a folder, ends with
 *   a slash or lacks the extension is a folder. The current folder when absent.
 * @throws {@link OutputError} When the place cannot be written to.
 */
export async function outputPlace(
  out: string | undefined,
  count: number,
  extension: '.png' | '.safetensors' | '.json' | '.html',
  option = '--out',
): Promise<{ folder: string; file?: string }> {
  const path = resolve(out ?? '.');
  const existing = await stat(path).catch(() => undefined);
  const namesFile = out !== undefined && !existing?.isDirectory() && !/[/\\]$/.test(out) && extname(path) !== '';
  if (namesFile && extname(path).toLowerCase() !== extension) {
    throw new OutputError(
      'output/extension',
      `${option}: expected a name ending in ${extension}, got "${basename(path)}". Rename it.`,
    );
  }
  if (namesFile && count > 1) {
    throw new OutputError(
      'output/one-file',
      `${option}: expected a folder for ${count} pictures, got the file "${out}". Name a folder, or ask for one picture.`,
    );
  }
  const folder = namesFile ? dirname(path) : path;
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
    // Root passes access() on read-only mounts' parents and the like: writing is the only proof.
    const probe = join(folder, `.pleinair-${process.pid}-${Date.now()}`);
    await (await open(probe, 'wx')).close();
    await unlink(probe);
  } catch (cause) {
    throw new OutputError(
      'output/unwritable',
      `${option}: expected a folder that can be written to, got ${folder} (${(cause as NodeJS.ErrnoException).code ?? String(cause)}). ` +
        `Choose another with ${option}.`,
      { cause },
    );
  }
  return { folder, file: namesFile ? path : undefined };
}

/**
 * Writes a new file whole or not at all: beside its place first, then into it. Never overwrites; a taken name gets `-2`,
 * `-3` and so on.
 *
 * @returns The path it was given.
 * @throws {@link OutputError} When the disk is full or the place went away. Nothing is left behind.
 */
export async function writeNewFile(wanted: string, content: Uint8Array): Promise<string> {
  const temporary = await writeBeside(wanted, content);
  try {
    const extension = extname(wanted);
    const stem = wanted.slice(0, wanted.length - extension.length);
    for (let n = 1; ; n++) {
      const path = n === 1 ? wanted : `${stem}-${n}${extension}`;
      if (await claim(temporary, path)) return path;
    }
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw notWritten(wanted, content, cause);
  }
}

/** Writes content beside a place, under a name of its own. Leaves nothing behind when it fails. */
async function writeBeside(path: string, content: Uint8Array): Promise<string> {
  const temporary = join(dirname(path), `.pleinair-${process.pid}-${Date.now()}.part`);
  try {
    const handle = await open(temporary, 'w');
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    return temporary;
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined); // a name too long cannot be removed either
    throw notWritten(path, content, cause);
  }
}

function notWritten(path: string, content: Uint8Array, cause: unknown): OutputError {
  const code = (cause as NodeJS.ErrnoException).code;
  return new OutputError(
    code === 'ENOSPC' ? 'output/disk-full' : 'output/unwritable',
    `${path}: expected to write ${content.length} bytes, got ${code ?? String(cause)}. ` +
      (code === 'ENOSPC' ? 'Free some space or choose another disk with --out.' : 'Choose another place with --out.'),
    { cause },
  );
}

/**
 * Writes a file whole or not at all, in the place of the one before: who looks always finds a whole picture.
 *
 * @throws {@link OutputError}
 */
export async function replaceFile(path: string, content: Uint8Array): Promise<void> {
  const temporary = await writeBeside(path, content);
  try {
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw notWritten(path, content, cause);
  }
}

/** Moves a finished file to a name if nobody has it. A hard link does both in one step; some disks know none. */
async function claim(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    await unlink(from);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EEXIST') return false;
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS' && code !== 'EMLINK') throw error;
    if (await stat(to).catch(() => undefined)) return false;
    await rename(from, to);
    return true;
  }
}
