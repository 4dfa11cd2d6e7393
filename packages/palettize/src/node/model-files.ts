import { createReadStream } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openComponent, MissingPartError, type ModelSource } from '@pleinair/weights';
import { writeFileAtomically } from '@pleinair/weights/node';
import type { ProgressMeter } from '../progress.js';

/** A file of a model folder. */
export interface ModelFile {
  /** From the model's folder, with slashes. */
  readonly path: string;
  readonly bytes: number;
}

/** Files of weights, in whatever framework's format. */
const weightFile = /\.(safetensors|bin|ckpt|pt|pth|msgpack|h5|onnx|onnx_data|pb|gguf|tflite)$|\.index(\.\w+)?\.json$/i;

/**
 * The files to copy beside the parts that are palettized: configurations, tokenizers, texts and pictures, and of each
 * other part the weights that would be loaded (not their variants in other formats or precisions). Names that begin with
 * a dot are left out.
 *
 * @param palettized - Folders of the parts whose weights are written anew; `''` for the model's own.
 */
export async function filesToCopy(
  model: string,
  source: ModelSource,
  palettized: ReadonlySet<string>,
  signal?: AbortSignal,
): Promise<ModelFile[]> {
  const all = await listFiles(model, '');
  const folders = new Set(all.filter(({ path }) => weightFile.test(path)).map(({ path }) => folderOf(path)));
  const loaded = new Set<string>();
  for (const folder of folders) {
    if (palettized.has(folder)) continue;
    for (const path of await loadedFiles(source, folder, signal)) loaded.add(path);
  }
  return all.filter(({ path }) => !weightFile.test(path) || loaded.has(path) || isIndexOf(path, loaded));
}

/** Copies files from a model's folder into another, whole or not at all each, stopping on a signal. The meter counts bytes. */
export async function copyFiles(
  model: string,
  out: string,
  files: readonly ModelFile[],
  { signal, meter }: { readonly signal?: AbortSignal; readonly meter?: ProgressMeter } = {},
): Promise<void> {
  for (const { path } of files) {
    const to = join(out, path);
    await mkdir(dirname(to), { recursive: true });
    await writeFileAtomically(to, bytesOf(join(model, path), meter), { signal });
  }
}

async function* bytesOf(path: string, meter?: ProgressMeter): AsyncGenerator<Buffer> {
  for await (const piece of createReadStream(path, { highWaterMark: 4 * 1024 * 1024 }) as AsyncIterable<Buffer>) {
    yield piece;
    meter?.add(piece.length);
  }
}

async function listFiles(model: string, folder: string): Promise<ModelFile[]> {
  const files: ModelFile[] = [];
  for (const name of (await readdir(join(model, folder))).sort()) {
    if (name.startsWith('.')) continue;
    const path = folder ? `${folder}/${name}` : name;
    // Links are followed: the Hub's cache is made of them.
    const { size, isFile, isFolder } = await stat(join(model, path)).then((entry) => ({
      size: entry.size,
      isFile: entry.isFile(),
      isFolder: entry.isDirectory(),
    }));
    if (isFolder) files.push(...(await listFiles(model, path)));
    else if (isFile) files.push({ path, bytes: size });
  }
  return files;
}

/** What `openComponent` would open in a folder; nothing where it finds no weights there, as at a model's top. */
async function loadedFiles(source: ModelSource, folder: string, signal?: AbortSignal): Promise<string[]> {
  try {
    return (await openComponent(source, folder, { signal })).files.map(({ path }) => path);
  } catch (error) {
    if (error instanceof MissingPartError) return [];
    throw error;
  }
}

/** An index names shards that are loaded from its folder. */
function isIndexOf(path: string, loaded: ReadonlySet<string>): boolean {
  const shard = /-\d+-of-\d+\./;
  return (
    /\.index(\.\w+)?\.json$/i.test(path) &&
    [...loaded].some((one) => folderOf(one) === folderOf(path) && shard.test(one))
  );
}

function folderOf(path: string): string {
  const at = path.lastIndexOf('/');
  return at < 0 ? '' : path.slice(0, at);
}
