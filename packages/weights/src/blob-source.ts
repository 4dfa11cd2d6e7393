import { createSource, type ModelSource } from './source.js';

/**
 * A model given as Blobs or Files by path: files dropped on a page, kept in a cache, or made in memory.
 *
 * @param files - E.g. `new Map([['unet/config.json', file], …])`. Read when asked for, never copied as a whole.
 * @param name - How messages call it.
 */
export function blobSource(files: ReadonlyMap<string, Blob>, name = `${files.size} given files`): ModelSource {
  return createSource({
    describe: () => name,
    size: async (path) => files.get(path)?.size,
    async readInto(path, start, target) {
      const blob = files.get(path);
      if (!blob) return 0;
      const bytes = new Uint8Array(await blob.slice(start, start + target.length).arrayBuffer());
      target.set(bytes);
      return bytes.length;
    },
    list: ({ depth = Infinity }) => {
      const all = [...files].map(([path, { size }]) => ({ path, bytes: size }));
      return Promise.resolve(all.filter(({ path }) => path.split('/').length - 1 <= depth));
    },
  });
}
