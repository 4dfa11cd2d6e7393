import { createSource, type ModelSource } from '../source.js';
import { blobName, type ModelRecord } from './model-record.js';
import type { OpfsFolder } from './opfs-folder.js';

/** The files of a record, read from a folder of blobs. */
export function recordSource(record: ModelRecord, blobs: OpfsFolder, name: string): ModelSource {
  const byPath = new Map(record.files.map((file) => [file.path, file]));
  const opened = new Map<string, Promise<File | undefined>>();
  const fileAt = async (path: string): Promise<File | undefined> => {
    const file = byPath.get(path);
    if (!file) return undefined;
    // Asked for once: a weights file is read in many pieces.
    const found = opened.get(path) ?? blobs.file(blobName(file.checksum));
    opened.set(path, found);
    return found;
  };
  return createSource({
    describe: () => name,
    size: async (path) => (await fileAt(path))?.size,
    async readInto(path, start, target) {
      const file = await fileAt(path);
      if (!file) return 0;
      const bytes = new Uint8Array(await file.slice(start, start + target.length).arrayBuffer());
      target.set(bytes);
      return bytes.length;
    },
    list: ({ depth = Infinity }) => {
      const all = record.files.map(({ path, size }) => ({ path, bytes: size }));
      return Promise.resolve(all.filter(({ path }) => path.split('/').length - 1 <= depth));
    },
  });
}
