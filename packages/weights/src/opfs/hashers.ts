import { sha1 } from '@noble/hashes/legacy.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { MakeHasher } from '../hub/download-file.js';

/** JavaScript's own digests take whole files only; these take pieces. */
export const makeHasher: MakeHasher = (kind, size) => {
  const hash = (kind === 'sha256' ? sha256 : sha1).create();
  if (kind === 'git-sha1') hash.update(new TextEncoder().encode(`blob ${size}\0`));
  return { update: (bytes) => void hash.update(bytes), digest: () => bytesToHex(hash.digest()) };
};
