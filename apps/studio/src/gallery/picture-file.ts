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
  const bytes = new Uint8Array(await file.arrayBuffer());
  const isPng = [0x89, 0x50, 0x4e, 0x47].every((byte, i) => bytes[i] === byte);
  return isPng ? readPictureSettings(readPngText(bytes)) : undefined;
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
