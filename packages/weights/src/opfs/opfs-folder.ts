import { reasonOf } from '../errors.js';
import { HubError } from '../hub/hub-error.js';

/**
 * What TypeScript's library lacks: `move`, which Chromium, Firefox and Safari have for files of the origin's own storage, and what
 * only dedicated workers are given.
 */
export interface OpfsFile extends Omit<FileSystemFileHandle, 'move' | 'createSyncAccessHandle'> {
  move?(name: string): Promise<void>;
  createSyncAccessHandle?(): Promise<SyncAccess>;
}

/** Of the File System standard, as far as it is used here. */
export interface SyncAccess {
  read(buffer: Uint8Array, options: { at: number }): number;
  write(buffer: Uint8Array, options: { at: number }): number;
  truncate(size: number): void;
  getSize(): number;
  flush(): void;
  close(): void;
}

/** A folder in the browser's private file system (OPFS). */
export class OpfsFolder {
  private constructor(readonly handle: FileSystemDirectoryHandle) {}

  /**
   * Opens a folder of the origin's storage by its path, made where there is none.
   *
   * @throws `HubError` `hub/storage` where the browser offers none (private windows, insecure pages).
   */
  static async open(path: string): Promise<OpfsFolder> {
    try {
      let handle = await navigator.storage.getDirectory();
      for (const name of path.split('/')) handle = await handle.getDirectoryHandle(name, { create: true });
      return new OpfsFolder(handle);
    } catch (error) {
      throw new HubError(
        'hub/storage',
        `models: expected the browser to offer storage for files, got: ${reasonOf(error)}. ` +
          'Use a page served over https or from localhost, and not a private window.',
        { cause: error },
      );
    }
  }

  /** A file to be read, or undefined where there is none. */
  async file(name: string): Promise<File | undefined> {
    return (await this.find(name))?.getFile();
  }

  /** Bytes of a file, or undefined where there is none. */
  async size(name: string): Promise<number | undefined> {
    return (await this.file(name))?.size;
  }

  /** A file's handle, made where `create` says so. */
  async find(name: string, create = false): Promise<OpfsFile | undefined> {
    try {
      // Whether the standard's own types know all of it depends on who compiles this.
      const found: unknown = await this.handle.getFileHandle(name, { create });
      return found as OpfsFile;
    } catch (error) {
      if (isNamed(error, 'NotFoundError')) return undefined;
      throw error;
    }
  }

  /** Names of the files. */
  async names(): Promise<string[]> {
    const names: string[] = [];
    for await (const [name, handle] of this.handle.entries()) if (handle.kind === 'file') names.push(name);
    return names;
  }

  async remove(name: string): Promise<void> {
    await this.handle.removeEntry(name).catch((error: unknown) => {
      if (!isNamed(error, 'NotFoundError')) throw error;
    });
  }

  /** Gives a file another name; one of that name is replaced. */
  async rename(from: string, to: string): Promise<void> {
    const handle = await this.find(from);
    if (!handle) throw new DOMException(`${from} is not there`, 'NotFoundError');
    if (handle.move) {
      await onceUnlocked(async () => handle.move!(to));
      return;
    }
    throw new HubError(
      'hub/storage',
      'models: expected a browser that can rename files in its storage, got one that cannot. Update the browser.',
    );
  }

  /** Writes a small file whole or not at all: what is written becomes the file when it is closed. */
  async writeText(name: string, text: string): Promise<void> {
    const fresh = `${name}.${crypto.randomUUID()}.new`;
    const handle = (await this.find(fresh, true))!;
    const writable = await handle.createWritable();
    await writable.write(text);
    await writable.close();
    await this.rename(fresh, name);
  }
}

/** Another page that renames to the same name holds it for some milliseconds. */
const lockedTries = 40;
const lockedWaitMs = 25;

/** Does again what was refused because another page had the file at that moment. */
async function onceUnlocked(body: () => Promise<void>): Promise<void> {
  for (let left = lockedTries; ; left--) {
    try {
      await body();
      return;
    } catch (error) {
      if (left === 0 || !isNamed(error, 'NoModificationAllowedError')) throw error;
      await new Promise((resolve) => setTimeout(resolve, lockedWaitMs));
    }
  }
}

/** True for the browser's error of that name. */
export function isNamed(error: unknown, name: string): boolean {
  return error instanceof DOMException && error.name === name;
}
