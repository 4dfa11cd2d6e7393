import { createSource, type ModelSource } from './source.js';

/**
 * A model whose files lie in several places: a part (a folder with a `config.json`) comes whole from the first place that
 * has it, any other file from the first that has that. So a palettized UNet alone, put before the model it was made of, is
 * a whole model.
 *
 * @param layers - At least one; earlier ones hide later ones.
 * @throws RangeError for no layers.
 */
export function layeredSource(layers: readonly ModelSource[]): ModelSource {
  const [only] = layers;
  if (!only) throw new RangeError('layeredSource: expected at least one source, got none. Name the model.');
  if (layers.length === 1) return only;
  const describe = (): string => layers.map((layer) => layer.describe()).join(', then ');
  const holder = async (path: string, signal?: AbortSignal): Promise<ModelSource | undefined> => {
    const slash = path.indexOf('/');
    // File by file would mix parts: a later place's variant of the weights could win over an earlier place's.
    const marks = slash < 0 ? [path] : [`${path.slice(0, slash)}/config.json`, path];
    for (const mark of marks) {
      for (const layer of layers) {
        if (!(await layer.exists(mark, { signal }))) continue;
        return mark === path || (await layer.exists(path, { signal })) ? layer : undefined;
      }
    }
    return undefined;
  };
  return createSource({
    describe,
    size: async (path, { signal }) => (await holder(path, signal))?.size(path, { signal }),
    async readInto(path, start, target, { signal }) {
      const layer = await holder(path, signal);
      if (!layer) return 0;
      const end = Math.min(start + target.length, await layer.size(path, { signal }));
      if (end <= start) return 0;
      await layer.readRange(path, start, end, { signal, into: target });
      return end - start;
    },
    async readAll(path, { signal }) {
      const layer = await holder(path, signal);
      if (!layer) return undefined;
      return new TextEncoder().encode(await layer.readText(path, { signal }));
    },
  });
}
