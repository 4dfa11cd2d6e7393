import type { AdapterFile } from '@pleinair/diffusion';
import { blobSource, WeightError, type ModelSource } from '@pleinair/weights';
import { throwIfCancelled } from '@pleinair/tensor';

/**
 * A file beside a model, a LoRA or an embedding: its path or `file:` address (Node), its HTTP address, a `Blob` or `File`,
 * or a path in a source.
 */
export type FilePlace = string | URL | Blob | { readonly source: ModelSource; readonly path: string };

/**
 * Turns what a caller names into a file that can be read. Files of the web are fetched whole: LoRAs are read in hundreds of
 * small pieces.
 *
 * @throws `WeightError` `weights/network` where the server does not give it; `CancelledError`.
 */
export async function openFilePlace(place: FilePlace, signal?: AbortSignal): Promise<AdapterFile> {
  if (typeof place === 'object' && 'path' in place) return place;
  if (place instanceof Blob) return blobFile(place, place instanceof File ? place.name : 'file.safetensors');
  const text = String(place);
  if (/^https?:/i.test(text)) return blobFile(await fetched(text, signal), nameOf(new URL(text)));
  // Names in variables keep file-system code out of what bundlers follow.
  const folders = '@pleinair/weights/node';
  const urls = 'node:url';
  const paths = 'node:path';
  const { folderSource } = (await import(
    /* @vite-ignore */ /* webpackIgnore: true */ folders
  )) as typeof import('@pleinair/weights/node');
  const { fileURLToPath } = (await import(
    /* @vite-ignore */ /* webpackIgnore: true */ urls
  )) as typeof import('node:url');
  const node = (await import(/* @vite-ignore */ /* webpackIgnore: true */ paths)) as typeof import('node:path');
  const path = node.resolve(text.startsWith('file:') ? fileURLToPath(text) : text);
  return { source: folderSource(node.dirname(path)), path: node.basename(path) };
}

function blobFile(blob: Blob, name: string): AdapterFile {
  return { source: blobSource(new Map([[name, blob]]), name), path: name };
}

/** The last name of an address; those of downloads by number have none that says anything. */
function nameOf({ pathname }: URL): string {
  const name = decodeURIComponent(pathname.split('/').at(-1) ?? '');
  return name === '' ? 'file.safetensors' : name;
}

async function fetched(address: string, signal: AbortSignal | undefined): Promise<Blob> {
  let reason: string;
  try {
    const response = await fetch(address, { signal });
    if (response.ok) return await response.blob();
    reason = `${response.status} ${response.statusText}`;
  } catch (error) {
    throwIfCancelled(signal, address);
    reason = error instanceof Error ? error.message : String(error);
  }
  throw new WeightError(
    'weights/network',
    `${address}: expected the file, got ${reason}. Check the address and try again.`,
  );
}
