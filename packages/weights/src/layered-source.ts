import { isPartedSource, openComponent, type Component, type OpenComponentOptions } from './component.js';
import { MissingPartError } from './errors.js';
import type { ModelSource, ReadOptions } from './source.js';

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
  // A weights file is read in many pieces: which place has it is asked once.
  const known = new Map<string, ModelSource>();
  const holder = async (path: string, options?: ReadOptions): Promise<ModelSource | undefined> => {
    const layer = known.get(path) ?? (await find(path, options));
    if (layer) known.set(path, layer);
    return layer;
  };
  const find = async (path: string, options?: ReadOptions): Promise<ModelSource | undefined> => {
    const slash = path.indexOf('/');
    // File by file would mix parts: a later place's variant of the weights could win over an earlier place's.
    const marks = slash < 0 ? [path] : [`${path.slice(0, slash)}/config.json`, path];
    for (const mark of marks) {
      for (const layer of layers) {
        if (!(await layer.exists(mark, options))) continue;
        return mark === path || (await layer.exists(path, options)) ? layer : undefined;
      }
    }
    return undefined;
  };
  const found = async (path: string, options?: ReadOptions): Promise<ModelSource> => {
    const layer = await holder(path, options);
    if (layer) return layer;
    throw new MissingPartError(path, describe(), [path], 'Check the path, or download the model again.');
  };
  /** The place a part comes from: the first that has its configuration. */
  const openPart = async (folder: string, options?: OpenComponentOptions): Promise<Component> => {
    const mark = folder ? `${folder}/config.json` : 'config.json';
    return openComponent((await holder(mark, options)) ?? layers.at(-1)!, folder, options);
  };
  return {
    // Only where one of them has parts that are no files: else files are looked for in all places, one by one.
    ...(layers.some(isPartedSource) && { openPart }),
    describe,
    exists: async (path, options) => (await holder(path, options)) !== undefined,
    size: async (path, options) => (await found(path, options)).size(path, options),
    readText: async (path, options) => (await found(path, options)).readText(path, options),
    readJson: async (path, options) => (await found(path, options)).readJson(path, options),
    readRange: async (path, start, end, options) => (await found(path, options)).readRange(path, start, end, options),
  };
}
