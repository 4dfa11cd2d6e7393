import { assertSafeShardFilename } from '@huggingface/hub';
import { currentVaeName } from './checkpoint/vae-names.js';
import { MissingPartError, reasonOf, WeightError } from './errors.js';
import { openSafetensors, type SafetensorsEntry, type SafetensorsFile } from './safetensors-file.js';
import type { ModelSource, ReadOptions } from './source.js';

/** A tensor of a component and the file it lies in. */
export interface ComponentEntry extends SafetensorsEntry {
  readonly file: SafetensorsFile;
}

/** The weights of one part of a model, in one file or several. */
export interface Component {
  /** Its folder, e.g. `unet`. */
  readonly name: string;
  readonly source: ModelSource;
  readonly files: readonly SafetensorsFile[];
  readonly entries: ReadonlyMap<string, ComponentEntry>;
}

/** A source that knows the weights of its parts itself, as they do not lie in folders of their own. */
export interface PartedSource extends ModelSource {
  /**
   * Opens the weights of a part; {@link openComponent} asks this where there is it.
   *
   * @param folder - The part's folder in diffusers layout, e.g. `unet`.
   * @throws `MissingPartError` saying what the source lacks; whatever opening throws.
   */
  openPart(folder: string, options?: OpenComponentOptions): Promise<Component>;
}

/** True for sources that know their parts' weights themselves. */
export function isPartedSource(source: ModelSource): source is PartedSource {
  return 'openPart' in source;
}

/** Options of {@link openComponent}. */
export interface OpenComponentOptions extends ReadOptions {
  /** Which files to take where a model has both: `fp16` (half the bytes; default) or `full`. The other is the fallback. */
  readonly prefer?: 'fp16' | 'full';
}

/** Base names in diffusers layout: diffusers' own parts, and those from transformers. */
const baseNames = ['diffusion_pytorch_model', 'model'];

/**
 * Finds and opens the weights of a part of a model in diffusers layout: `diffusion_pytorch_model.safetensors` or
 * `model.safetensors`, their `.fp16.` variants, and sharded checkpoints by their `.index.json`. Names that early diffusers
 * gave a VAE's attention (`query`, `proj_attn`) come under today's.
 *
 * @param folder - E.g. `unet`; `''` for files that lie at the top.
 * @throws `MissingPartError` naming every file looked for, and whatever {@link openSafetensors} throws.
 */
export async function openComponent(
  source: ModelSource,
  folder: string,
  options: OpenComponentOptions = {},
): Promise<Component> {
  if (isPartedSource(source)) return source.openPart(folder, options);
  const what = folder || 'weights';
  const candidates = weightFilesIn(folder, options.prefer ?? 'fp16');
  const found = await Promise.all(candidates.map((path) => source.exists(path, options)));
  const path = candidates.find((_, i) => found[i]);
  if (path === undefined) throw await missing(source, what, folder, candidates, options);
  if (path.endsWith('.json')) return openSharded(source, what, folder, path, options);
  return makeComponent(what, source, [await openSafetensors(source, path, options)]);
}

/** Makes a component of files opened one by one, e.g. of a single-file checkpoint. */
export function makeComponent(name: string, source: ModelSource, files: readonly SafetensorsFile[]): Component {
  const entries = new Map<string, ComponentEntry>();
  for (const file of files) {
    for (const [stored, entry] of file.entries) {
      const tensor = currentVaeName(stored);
      const before = entries.get(tensor);
      if (before) {
        throw new WeightError(
          'weights/invalid-index',
          `${name}: expected ${tensor} once, got it in ${before.file.path} and in ${file.path}. Download the model again.`,
        );
      }
      entries.set(tensor, { ...entry, name: tensor, file });
    }
  }
  return { name, source, files, entries };
}

async function openSharded(
  source: ModelSource,
  what: string,
  folder: string,
  path: string,
  options: ReadOptions,
): Promise<Component> {
  const invalid = (expected: string, got: string) =>
    new WeightError('weights/invalid-index', `${path}: expected ${expected}, got ${got}. Download the model again.`);

  const index = await source.readJson(path, options);
  const map = isObject(index) ? index['weight_map'] : undefined;
  if (!isObject(map)) throw invalid('a weight_map of names to files', JSON.stringify(map) ?? 'none');
  const tensorsOf = new Map<string, string[]>();
  for (const [tensor, shard] of Object.entries(map)) {
    if (typeof shard !== 'string') throw invalid(`a file name for ${tensor}`, JSON.stringify(shard));
    try {
      assertSafeShardFilename(shard);
    } catch (error) {
      throw invalid(`a file beside the index for ${tensor}`, reasonOf(error));
    }
    const tensors = tensorsOf.get(shard);
    if (tensors) tensors.push(tensor);
    else tensorsOf.set(shard, [tensor]);
  }

  const paths = [...tensorsOf.keys()].map((shard) => join(folder, shard));
  const there = await Promise.all(paths.map((shard) => source.exists(shard, options)));
  const absent = paths.filter((_, i) => !there[i]);
  if (absent.length > 0) {
    throw new MissingPartError(
      `${what}: ${absent.length} of ${paths.length} shards`,
      source.describe(),
      absent,
      'Download the model again.',
    );
  }
  const files: SafetensorsFile[] = [];
  for (const shard of paths) files.push(await openSafetensors(source, shard, options));
  for (const [i, [, tensors]] of [...tensorsOf].entries()) {
    const file = files[i]!;
    const lacking = tensors.find((tensor) => !file.entries.has(tensor));
    if (lacking !== undefined) throw invalid(`${lacking} in ${file.path}`, 'a file without it');
  }
  return makeComponent(what, source, files);
}

/** The files that a part's weights may be in, those to be taken first in front; of shards, their index. */
export function weightFilesIn(folder: string, prefer: 'fp16' | 'full'): string[] {
  const variants = prefer === 'fp16' ? ['fp16', ''] : ['', 'fp16'];
  return variants
    .flatMap((variant) =>
      baseNames.flatMap((base) => {
        if (!variant) return [`${base}.safetensors`, `${base}.safetensors.index.json`];
        // diffusers and transformers put a variant before the last extension; by hand it is often put before the first.
        return [
          `${base}.${variant}.safetensors`,
          `${base}.safetensors.index.${variant}.json`,
          `${base}.${variant}.safetensors.index.json`,
        ];
      }),
    )
    .map((file) => join(folder, file));
}

async function missing(
  source: ModelSource,
  what: string,
  folder: string,
  candidates: readonly string[],
  options: ReadOptions,
): Promise<MissingPartError> {
  const pickles = pickleFilesIn(folder);
  const found = await Promise.all(pickles.map((path) => source.exists(path, options)));
  const pickle = pickles.find((_, i) => found[i]);
  const cure = pickle
    ? `${pickle} is there, but pickles can run code: save the model with safetensors.`
    : 'Check the path, or download the model again.';
  return new MissingPartError(what, source.describe(), candidates, cure);
}

/** Where a part's weights are that are pickled. */
export function pickleFilesIn(folder: string): string[] {
  return ['diffusion_pytorch_model', 'pytorch_model']
    .flatMap((base) => [`${base}.bin`, `${base}.fp16.bin`])
    .map((file) => join(folder, file));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function join(folder: string, file: string): string {
  return folder ? `${folder}/${file}` : file;
}
