import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './run-command.mjs';

const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' };
const PATIENCE = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3'];

/**
 * Fetches the lists of what can be installed.
 *
 * @returns {Promise<{ ok: boolean, output: string }>}
 */
export async function aptUpdate() {
  const { code, output } = await runCommand('apt-get', [...PATIENCE, 'update'], { env });
  return { ok: code === 0, output };
}

/**
 * @param {readonly string[]} packages
 * @param {string} [release] - Take them, and what they need, from this release, e.g. "bookworm-backports".
 * @returns {Promise<{ ok: boolean, output: string }>}
 */
export async function aptInstall(packages, release) {
  const target = release ? ['-t', release] : [];
  const args = [...PATIENCE, 'install', '-y', '--no-install-recommends', ...target, ...packages];
  const { code, output } = await runCommand('apt-get', args, { env });
  return { ok: code === 0, output };
}

/**
 * @param {string} name - A package.
 * @param {string} [release] - The version that `aptInstall` would take from this release.
 * @returns {Promise<{ installed: string | undefined, candidate: string | undefined }>} Versions, as dpkg writes them.
 */
export async function aptPolicy(name, release) {
  const target = release ? ['-t', release] : [];
  const { stdout } = await runCommand('apt-cache', [...target, 'policy', name], { env });
  return readPolicy(stdout);
}

/**
 * @param {string} text - Output of `apt-cache policy NAME`.
 * @returns {{ installed: string | undefined, candidate: string | undefined }}
 */
export function readPolicy(text) {
  /** @param {string} field */
  const version = (field) => {
    const value = new RegExp(`^ *${field}: (\\S+)`, 'm').exec(text)?.[1];
    return value === '(none)' ? undefined : value;
  };
  return { installed: version('Installed'), candidate: version('Candidate') };
}

/**
 * What apt's source files say, comments left out. The files, not apt: where lists were never fetched (containers), apt
 * does not know a release that its sources name, and naming one twice with different keys breaks apt altogether.
 *
 * @param {string} [folder]
 * @returns {string}
 */
export function aptSources(folder = '/etc/apt') {
  const parts = join(folder, 'sources.list.d');
  const files = existsSync(parts) ? readdirSync(parts).filter((name) => /\.(list|sources)$/.test(name)) : [];
  return [join(folder, 'sources.list'), ...files.map((name) => join(parts, name))]
    .filter((file) => existsSync(file))
    .flatMap((file) => readFileSync(file, 'utf8').split('\n'))
    .filter((line) => !line.trimStart().startsWith('#'))
    .join('\n');
}
