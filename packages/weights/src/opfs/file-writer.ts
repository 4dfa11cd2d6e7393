import type { OpfsFolder, SyncAccess } from './opfs-folder.js';
import { writeInPlace } from './write-in-place.js';

/** A new file of the origin's storage, written from its beginning to its end. */
export interface FileWriter {
  /** Puts bytes behind those that are there; they may be reused when it is done. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends the file. */
  close(): Promise<void>;
  /** Lets go of it, however far it is. */
  abort(): Promise<void>;
}

/**
 * Makes a file to be written. Dedicated workers write in place, which all browsers offer and which is fast; pages write
 * to a copy, which becomes the file when it is closed.
 */
export async function openWriter(folder: OpfsFolder, name: string): Promise<FileWriter> {
  const file = (await folder.find(name, true))!;
  return file.createSyncAccessHandle
    ? inPlace(await file.createSyncAccessHandle())
    : toCopy(await file.createWritable());
}

function inPlace(handle: SyncAccess): FileWriter {
  let at = 0;
  return {
    write(bytes) {
      writeInPlace(handle, bytes, at);
      at += bytes.length;
      return Promise.resolve();
    },
    close() {
      handle.flush();
      handle.close();
      return Promise.resolve();
    },
    abort() {
      handle.close();
      return Promise.resolve();
    },
  };
}

function toCopy(stream: FileSystemWritableFileStream): FileWriter {
  return {
    write: (bytes) => stream.write(bytes as Uint8Array<ArrayBuffer>),
    close: () => stream.close(),
    abort: () => stream.abort(),
  };
}
