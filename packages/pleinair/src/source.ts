import { httpSource, type ModelSource } from '@pleinair/weights';

/** A model by a folder's path or `file:` address (Node), an HTTP base address, or a source of one's own. */
export type ModelPlace = string | URL | ModelSource;

/** Turns what a caller names into something files can be read from. */
export async function openPlace(place: ModelPlace): Promise<ModelSource> {
  if (typeof place === 'object' && !(place instanceof URL)) return place;
  const text = String(place);
  if (/^https?:/i.test(text)) return httpSource(text);
  // Folders exist in Node only. Names in variables keep file-system code out of what bundlers follow.
  const folders = '@pleinair/weights/node';
  const urls = 'node:url';
  const { folderSource } = (await import(
    /* @vite-ignore */ /* webpackIgnore: true */ folders
  )) as typeof import('@pleinair/weights/node');
  if (!text.startsWith('file:')) return folderSource(text);
  const { fileURLToPath } = (await import(
    /* @vite-ignore */ /* webpackIgnore: true */ urls
  )) as typeof import('node:url');
  return folderSource(fileURLToPath(text));
}
