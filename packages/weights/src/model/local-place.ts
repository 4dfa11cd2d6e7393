import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { folderSource } from '../folder-source.js';
import type { ModelSource } from '../source.js';
import { namesCheckpoint } from './checkpoint-address.js';

/**
 * A path on this machine as a source, and the file in it where it is a single file: a file that is there, or something
 * that is not and is called like a checkpoint. Node only.
 */
export async function localPlace(path: string): Promise<{ readonly source: ModelSource; readonly file?: string }> {
  const entry = await stat(path).catch(() => undefined);
  const isFile = entry ? entry.isFile() : namesCheckpoint(path);
  return isFile ? { source: folderSource(dirname(path)), file: basename(path) } : { source: folderSource(path) };
}
