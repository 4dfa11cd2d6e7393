import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';

/** Models of the golden. */
export type NamedModel = 'sd15' | 'sd21' | 'sdxl' | 'sdxl-refiner' | 'tiny-sdxl' | 'demo-model';

/** A tensor of a single file. */
export interface NamedTensor {
  readonly shape: readonly number[];
  /** The part, and the tensors of it that lie here one behind the other; nothing for what the layout leaves out. */
  readonly of: readonly string[];
  readonly transposed?: boolean;
}

/** A model as tools/reference/checkpoint_names.py wrote it down, by diffusers. */
export interface ModelNames {
  readonly configs: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Shapes by part and name, in diffusers layout. */
  readonly parts: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
  /** Tensors of the single file, by name. */
  readonly file: Readonly<Record<string, NamedTensor>>;
}

/** Names and shapes of official checkpoints in both forms. */
export async function checkpointNames(): Promise<Readonly<Record<NamedModel, ModelNames>>> {
  const packed = await readFile(new URL('../../testing/goldens/checkpoint-names.json.gz', import.meta.url));
  return JSON.parse(gunzipSync(packed).toString('utf8')) as Record<NamedModel, ModelNames>;
}
