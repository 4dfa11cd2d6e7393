import { readPictureSettings, readPngText, type PictureSettings } from 'pleinair';
import type { KeptPicture } from '../storage/database.js';

/** A file name that tells what it shows. */
export function fileName({ settings }: Pick<KeptPicture, 'settings'>): string {
  const words = settings.prompt
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60)
    .replace(/-+$/, '');
  return `${words || 'picture'}-${settings.seed}.png`;
}

/** The settings inside a PNG; nothing where it has none, or is none. */
export async function settingsInFile(file: Blob): Promise<PictureSettings | undefined> {
  // What is no PNG may be gigabytes, such as a checkpoint dropped here: four bytes tell.
  const head = new Uint8Array(await file.slice(0, 4).arrayBuffer());
  const isPng = [0x89, 0x50, 0x4e, 0x47].every((byte, i) => head[i] === byte);
  return isPng ? readPictureSettings(readPngText(new Uint8Array(await file.arrayBuffer()))) : undefined;
}

/** Hands a file to the browser's downloads. */
export function download(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  Object.assign(link, { href: url, download: name });
  link.click();
  // The download has begun by then; a large one goes on from the Blob.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
