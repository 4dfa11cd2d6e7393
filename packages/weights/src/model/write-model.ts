import { throwIfCancelled } from '@pleinair/tensor';
import { openComponent, type Component } from '../component.js';
import { MissingPartError } from '../errors.js';
import type { ModelSource, SourceFile } from '../source.js';
import { partFiles, textFile, type FileToWrite, type PartFormat } from './encode-part.js';
import { fillSink, type ModelSink } from './sink.js';

/** What of a model is written, and how. */
export interface ModelFormat extends PartFormat {
  /** Folders of parts that are left out, as something else writes their weights. */
  readonly without?: ReadonlySet<string>;
  readonly signal?: AbortSignal;
}

/** Options of {@link writeModel}. */
export interface WriteModelOptions extends ModelFormat {
  /** The model: a folder, a single-file checkpoint opened by `openModel`, or whatever reads in diffusers layout. */
  readonly source: ModelSource;
  readonly sink: ModelSink;
  /** How far it is, in bytes read. */
  readonly onProgress?: (progress: { readonly doneBytes: number; readonly totalBytes: number }) => void;
}

/** Files of weights, in whatever framework's format. */
const weightFile = /\.(safetensors|bin|ckpt|pt|pth|msgpack|h5|onnx|onnx_data|pb|gguf|tflite)$|\.index(\.\w+)?\.json$/i;

const pieceBytes = 4 * 1024 * 1024;

/**
 * Writes a model in diffusers layout, whole or not at all: weights in safetensors, in another type if asked for, large parts
 * in shards; configurations, tokenizers, texts and pictures as they are. Memory stays at a few megabytes.
 *
 * @returns The files written, in bytes as they were foreseen.
 * @throws `MissingPartError` for a part that is named in `model_index.json` and not there; `WeightError`
 *   `weights/out-of-range` for a value that fp16 cannot hold; `CancelledError`; what reading and the sink throw.
 */
export async function writeModel(options: WriteModelOptions): Promise<readonly SourceFile[]> {
  const { source, sink, signal, onProgress } = options;
  let files: readonly FileToWrite[];
  try {
    files = await modelFiles(source, options);
  } catch (error) {
    await sink.discard();
    throw error;
  }
  const totalBytes = files.reduce((sum, { readBytes }) => sum + readBytes, 0);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  let doneBytes = 0;
  const onRead = (read: number): void => {
    doneBytes += read;
    onProgress?.({ doneBytes, totalBytes });
  };
  return fillSink(sink, bytes, async () => {
    await writeFiles(sink, files, { onRead, signal });
    return files.map(({ path, bytes: size }) => ({ path, bytes: size }));
  });
}

/** Writes files into a sink, one after the other. */
export async function writeFiles(
  sink: ModelSink,
  files: readonly FileToWrite[],
  { onRead, signal }: { readonly onRead: (bytes: number) => void; readonly signal?: AbortSignal },
): Promise<void> {
  for (const file of files) {
    throwIfCancelled(signal, file.path);
    await sink.write(file.path, file.chunks(onRead, signal), { signal });
  }
}

/**
 * The files a model is written as: of each part the weights that would be loaded (not their variants in other formats or
 * precisions), and everything else that belongs to it. Of a source that cannot list its files, that is what
 * `model_index.json` names.
 */
export async function modelFiles(source: ModelSource, format: ModelFormat = {}): Promise<readonly FileToWrite[]> {
  const { signal } = format;
  if (!source.list) return namedFiles(source, format);
  const all = await source.list({ signal });
  const files = all.filter(({ path }) => !weightFile.test(path)).map((file) => copied(source, file));
  const folders = new Set(all.filter(({ path }) => weightFile.test(path)).map(({ path }) => folderOf(path)));
  for (const folder of folders) {
    if (format.without?.has(folder)) continue;
    const component = await openIfThere(source, folder, signal);
    if (!component) continue;
    if (format.dtype) files.push(...partFiles(folder, component, format));
    else {
      const loaded = new Set(component.files.map(({ path }) => path));
      const kept = all.filter(({ path }) => loaded.has(path) || (folderOf(path) === folder && isIndexOf(path, loaded)));
      files.push(...kept.map((file) => copied(source, file)));
    }
  }
  return files;
}

const folderFiles: readonly (readonly [of: RegExp, files: readonly string[]])[] = [
  [/^tokenizer/, ['tokenizer_config.json', 'special_tokens_map.json', 'vocab.json', 'merges.txt', 'tokenizer.json']],
  [/^scheduler/, ['scheduler_config.json']],
  [/^feature_extractor/, ['preprocessor_config.json']],
];

async function namedFiles(source: ModelSource, format: ModelFormat): Promise<readonly FileToWrite[]> {
  const { signal, without } = format;
  const index = (await source.readJson('model_index.json', { signal })) as Readonly<Record<string, unknown>>;
  const names = Object.entries(index).flatMap(([name, value]) => (isPart(value) ? [name] : []));
  const texts = ['model_index.json', 'pleinair.json', 'README.md', 'LICENSE.md'];
  const files: FileToWrite[] = [];
  for (const name of names) {
    const small = folderFiles.find(([of]) => of.test(name))?.[1];
    texts.push(...(small ?? ['config.json']).map((file) => `${name}/${file}`));
    if (small || without?.has(name)) continue;
    const component = /^(unet|vae|text_encoder)/.test(name)
      ? await openComponent(source, name, { signal })
      : await openIfThere(source, name, signal);
    if (component) files.push(...partFiles(name, component, format));
  }
  for (const path of texts) {
    if (!(await source.exists(path, { signal }))) continue;
    files.push(textFile(path, await source.readText(path, { signal })));
  }
  return files;
}

/** Parts are pairs of library and class; those that are left out are pairs of nothing. */
function isPart(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && value.every((one) => typeof one === 'string');
}

function copied(source: ModelSource, { path, bytes }: SourceFile): FileToWrite {
  return {
    path,
    bytes,
    readBytes: bytes,
    async *chunks(onRead, signal) {
      for (let at = 0; at < bytes; at += pieceBytes) {
        const piece = await source.readRange(path, at, Math.min(at + pieceBytes, bytes), { signal });
        yield piece;
        onRead(piece.length);
      }
    },
  };
}

/** What `openComponent` opens in a folder; nothing where it finds no weights there, as at a model's top. */
async function openIfThere(
  source: ModelSource,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<Component | undefined> {
  try {
    return await openComponent(source, folder, { signal });
  } catch (error) {
    if (error instanceof MissingPartError) return undefined;
    throw error;
  }
}

/** An index names shards that are loaded from its folder. */
function isIndexOf(path: string, loaded: ReadonlySet<string>): boolean {
  return /\.index(\.\w+)?\.json$/i.test(path) && [...loaded].some((one) => /-\d+-of-\d+\./.test(one));
}

function folderOf(path: string): string {
  const at = path.lastIndexOf('/');
  return at < 0 ? '' : path.slice(0, at);
}
