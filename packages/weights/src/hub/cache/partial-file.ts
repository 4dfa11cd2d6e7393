import { randomBytes } from 'node:crypto';
import { open, readdir, rename, rm, stat, utimes, type FileHandle } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { throwIfCancelled } from '@pleinair/tensor';
import { errnoOf } from '../../errors.js';
import type { DownloadSink } from '../download-file.js';

/** An owner shows that it lives by touching its file this often … */
const beatMs = 2000;

/** … and counts as gone when it has not for this long, wherever it ran. */
const goneMs = 20_000;

const pieceBytes = 1024 * 1024;

/** What {@link PartialFile.claim} is told. */
interface ClaimOptions {
  readonly signal?: AbortSignal;
  /** Looked at while another owner has the blob in hand: true when it is there, whole. */
  readonly isDone: () => Promise<boolean>;
  /** Waiting for another owner begins (+1) or ends (−1). */
  readonly onWait: (change: 1 | -1) => void;
}

/**
 * A blob that is being downloaded, `blobs/NAME.OWNER.incomplete`. Each process, and each download in it, writes a file of its own
 * name, so nobody writes into another's, nor into the one of Python's `huggingface_hub` (`NAME.incomplete`). What a process that
 * was killed has left is taken over by renaming it, which only one can.
 */
export class PartialFile implements DownloadSink {
  private constructor(
    private readonly file: FileHandle,
    private readonly path: string,
    private readonly beat: NodeJS.Timeout,
  ) {}

  /**
   * Opens a partial file of a blob for this process: an orphan with what it holds, or a new one. While another live process has
   * one, waits for it to finish or to go.
   *
   * @returns Undefined when another process has finished the blob meanwhile.
   * @throws `CancelledError`; errors of the file system.
   */
  static async claim(
    folder: string,
    blob: string,
    { signal, isDone, onWait }: ClaimOptions,
  ): Promise<PartialFile | undefined> {
    const mine = join(folder, `${blob}.${hostId()}-${process.pid}-${randomBytes(6).toString('hex')}.incomplete`);
    let waits = false;
    try {
      for (;;) {
        throwIfCancelled(signal, blob);
        if (await isDone()) return undefined;
        const others = await ownersOf(folder, blob);
        if (!others.some(({ lives }) => lives)) {
          // What holds most is worth most.
          const orphan = others.toSorted((a, b) => b.size - a.size)[0];
          const file = orphan ? await takeOver(orphan.path, mine) : await open(mine, 'wx+');
          if (file) {
            const claimed = new PartialFile(file, mine, keepAlive(file));
            // Two that begin at once: of those, each sees the other here or is alone; whoever is not alone steps back.
            const alone = !(await ownersOf(folder, blob)).some(({ lives, path }) => lives && path !== mine);
            // One that finished since the first look is not among the others any more.
            if (alone && !(await isDone())) return claimed;
            await claimed.release();
            if (alone) return undefined;
            await pause(50 + Math.random() * 200, signal);
          }
          continue;
        }
        if (!waits) onWait(1);
        waits = true;
        await pause(300, signal);
      }
    } finally {
      if (waits) onWait(-1);
    }
  }

  async size(): Promise<number> {
    return (await this.file.stat()).size;
  }

  async *read(length: number): AsyncIterable<Uint8Array> {
    const piece = new Uint8Array(pieceBytes);
    for (let at = 0; at < length;) {
      const { bytesRead } = await this.file.read(piece, 0, Math.min(pieceBytes, length - at), at);
      if (bytesRead === 0) return;
      yield piece.subarray(0, bytesRead);
      at += bytesRead;
    }
  }

  async write(position: number, bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      done += (await this.file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
    }
  }

  async truncate(length: number): Promise<void> {
    // One that was taken over, as this process slept too long, is another's to cut.
    if (await stat(this.path).catch(() => undefined)) await this.file.truncate(length);
  }

  /** Puts the file, which is whole and checked, in its place. False when it was taken away meanwhile, by one who thought this process gone. */
  async finish(place: string): Promise<boolean> {
    clearInterval(this.beat);
    await this.file.sync();
    await this.file.close();
    try {
      await rename(this.path, place);
      return true;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return false;
      // Windows does not replace a file that someone reads; its content is the same, as its name is.
      if (!(await stat(place).catch(() => undefined))) throw error;
      await rm(this.path, { force: true });
      return true;
    }
  }

  /** Leaves what came for the next one who wants it; an empty file goes. */
  async release(): Promise<void> {
    clearInterval(this.beat);
    const size = await this.size().catch(() => 0);
    // A time long past says that nobody owns it.
    await this.file.utimes(0, 0).catch(() => undefined);
    await this.file.close().catch(() => undefined);
    if (size === 0) await rm(this.path, { force: true }).catch(() => undefined);
  }
}

/** Removes what downloads have left that nobody will go on with: of blobs that are whole meanwhile. */
export async function removeOrphans(folder: string): Promise<void> {
  const names = new Set(await readdir(folder));
  for (const { path, blob, lives } of await ownersOf(folder)) {
    if (!lives && names.has(blob)) await rm(path, { force: true }).catch(() => undefined);
  }
}

/** A partial file of a blob and whether its owner lives. */
interface Owner {
  readonly path: string;
  readonly blob: string;
  readonly size: number;
  readonly lives: boolean;
}

/** Partial files of ours in a folder of blobs, of one blob or of all. */
export async function ownersOf(folder: string, blob?: string): Promise<Owner[]> {
  const owners: Owner[] = [];
  for (const name of await readdir(folder)) {
    const match = /^([0-9a-f]{40,64})\.([0-9a-f]{8})-(\d+)-[0-9a-f]{12}\.incomplete$/.exec(name);
    if (!match || (blob !== undefined && match[1] !== blob)) continue;
    const path = join(folder, name);
    const entry = await stat(path).catch(() => undefined);
    if (!entry) continue; // gone since it was listed
    const fresh = Date.now() - entry.mtimeMs < goneMs;
    const lives = fresh && !(match[2] === hostId() && !runs(Number(match[3])));
    owners.push({ path, blob: match[1]!, size: entry.size, lives });
  }
  return owners;
}

async function takeOver(orphan: string, mine: string): Promise<FileHandle | undefined> {
  try {
    await utimes(orphan, new Date(), new Date()); // fresh from the moment it bears our name
    await rename(orphan, mine);
    return await open(mine, 'r+');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined; // another one was quicker
    throw error;
  }
}

function keepAlive(file: FileHandle): NodeJS.Timeout {
  const beat = setInterval(() => {
    const now = new Date();
    file.utimes(now, now).catch(() => undefined);
  }, beatMs);
  beat.unref();
  return beat;
}

/** Processes are known by number on their own machine only. */
function hostId(): string {
  let hash = 0x811c9dc5; // FNV-1a, 32 bits
  for (const byte of new TextEncoder().encode(hostname())) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, '0');
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === 'EPERM'; // it runs, as another user
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
    if (signal?.aborted) done();
  });
}
