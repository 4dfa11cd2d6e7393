import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/** Names with a hash change with their content. */
const hashed = /^assets\/.*-[\w-]{8}\.\w+$/;
/** What a visitor's browser never asks for by itself. */
const unasked = new Set(['service-worker.js', '_headers']);

/** A file for the service worker to keep. */
export interface PrecachedFile {
  readonly url: string;
  /** What tells versions of the same name apart. */
  readonly revision: string | null;
}

/** Every file of a build. */
export function precachedFiles(folder: string): PrecachedFile[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)).split(sep).join('/'))
    .filter((url) => !unasked.has(url) && !url.endsWith('.map'))
    .sort()
    .map((url) => ({ url, revision: hashed.test(url) ? null : digest(join(folder, url)) }));
}

function digest(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 16);
}
