import type { HubFile } from '../hub/hub-client.js';
import { blobName, partialName } from './model-record.js';
import type { OpfsFolder } from './opfs-folder.js';

/** Bytes of files that are in a folder of contents, those on their way included. */
export async function loadedBytes(blobs: OpfsFolder, files: readonly HubFile[]): Promise<number> {
  const sizes = await Promise.all(
    files.map(async ({ checksum, size }) => {
      const whole = await blobs.size(blobName(checksum));
      return Math.min(size, whole ?? (await blobs.size(partialName(checksum))) ?? 0);
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
