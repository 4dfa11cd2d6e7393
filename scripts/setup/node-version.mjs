import { SetupError } from './say.mjs';

const OLDEST_MAJOR = 20;

/**
 * @param {string} [version] - Such as "20.11.0".
 * @throws {SetupError} When this Node is too old to run what is here.
 */
export function requireNode(version = process.versions.node) {
  const major = Number.parseInt(version, 10);
  if (major >= OLDEST_MAJOR) return;
  throw new SetupError(
    `set-up: expected Node ${OLDEST_MAJOR} or newer, got ${version}.`,
    'Install a current Node from https://nodejs.org/en/download and run the same command again.',
  );
}
