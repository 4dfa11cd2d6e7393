import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root folder. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');

/** Where set-up keeps what it learnt. Outside `node_modules`, which `npm ci` empties. */
const notes = join(root, '.cache', 'setup');

/**
 * Reads what an earlier run noted under this name, or `undefined` (first run, or an unreadable note).
 *
 * @param {string} name
 * @returns {any} As it was noted; older versions of set-up may have noted other things.
 */
export function readNote(name) {
  try {
    return JSON.parse(readFileSync(join(notes, `${name}.json`), 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * Notes a value for later runs; `undefined` forgets it. A read-only checkout is no error: it only means asking again.
 *
 * @param {string} name
 * @param {unknown} value
 */
export function writeNote(name, value) {
  const file = join(notes, `${name}.json`);
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(value ?? null));
  } catch {
    // Nothing depends on the note being kept.
  }
}
