import { httpSource, layeredSource, type ModelSource } from '@pleinair/weights';

/**
 * A model by a folder's path or `file:` address (Node), an HTTP base address, or a source of one's own; or several of
 * these, of which each part comes from the first that has it, such as a palettized UNet before the model it is of.
 */
export type ModelPlace = string | URL | ModelSource | readonly (string | URL | ModelSource)[];

/** Turns what a caller names into something files can be read from. */
export async function openPlace(place: ModelPlace): Promise<ModelSource> {
  if (isLayers(place)) return layeredSource(await Promise.all(place.map((each) => openPlace(each))));
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

/** `Array.isArray` would make a source `any`. */
function isLayers(place: ModelPlace): place is readonly (string | URL | ModelSource)[] {
  return Array.isArray(place);
}
