import { WeightError } from '../errors.js';
import type { ModelSource } from '../source.js';
import { openCheckpoint, type CheckpointOptions } from './single-file.js';

/** Options of {@link openModel}. */
export interface OpenModelOptions extends CheckpointOptions {
  /** The checkpoint, relative to the source, where the model is a single file. */
  readonly file?: string;
}

/**
 * Opens a model of either form so that it reads as one in diffusers layout: a folder of parts as it is, a single-file
 * checkpoint by {@link openCheckpoint}. Without `file`, a source that can list its files and has no `model_index.json`,
 * but one safetensors file at its top, is that file.
 *
 * @throws What {@link openCheckpoint} throws; `WeightError` `weights/ambiguous` where there are several such files.
 */
export async function openModel(source: ModelSource, options: OpenModelOptions = {}): Promise<ModelSource> {
  const { file, signal } = options;
  if (file !== undefined) return openCheckpoint(source, file, options);
  if (!source.list || (await source.exists('model_index.json', { signal }))) return source;
  const files = (await source.list({ signal, depth: 0 })).map(({ path }) => path);
  const checkpoints = files.filter((path) => /\.safetensors$/i.test(path));
  const [only, ...more] = checkpoints;
  // A folder of one part has its config beside its weights.
  if (only === undefined || files.includes('config.json')) return source;
  if (more.length === 0) return openCheckpoint(source, only, options);
  throw new WeightError(
    'weights/ambiguous',
    `${source.describe()}: expected a model_index.json or one checkpoint, got ${checkpoints.length} checkpoints: ` +
      `${checkpoints.slice(0, 5).join(', ')}${checkpoints.length > 5 ? ', …' : ''}. Name the one to open.`,
  );
}
