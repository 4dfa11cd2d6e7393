import type { ComponentEntry, ModelSource } from '@pleinair/weights';

/** A model whose files are those of another, but for the bytes of some tensors. */
export function patchedSource(
  source: ModelSource,
  tensors: readonly { readonly entry: ComponentEntry; readonly values: Uint16Array<ArrayBuffer> }[],
): ModelSource {
  return {
    ...source,
    async readRange(path, start, end, options) {
      const bytes = await source.readRange(path, start, end, options);
      for (const { entry, values } of tensors) {
        if (entry.file.path !== path) continue;
        const patch = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
        const [from, to] = [Math.max(start, entry.begin), Math.min(end, entry.end)];
        if (from < to) bytes.set(patch.subarray(from - entry.begin, to - entry.begin), from - start);
      }
      return bytes;
    },
  };
}
