import { accessSync, constants, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { runNpm } from './run-command.mjs';
import { SetupError, step } from './say.mjs';
import { root } from './workspace.mjs';

/**
 * @typedef {{ version?: string, integrity?: string, resolved?: string, link?: boolean, optional?: boolean,
 *   devOptional?: boolean, peer?: boolean }} LockEntry
 * @typedef {{ packages?: Record<string, LockEntry> }} Lock
 */

/**
 * Why what is installed is not what the lock file asks for. npm leaves its own account of an installation in
 * `node_modules/.package-lock.json`, as the last thing it does, so an interrupted installation shows as well.
 * (A stamp of ours would call a plain `npm install` stale.)
 *
 * @param {Lock} lock - The repository's package-lock.json.
 * @param {Lock | undefined} installed - npm's account, if there is one.
 * @returns {string | undefined} Nothing when all is there.
 */
export function whyStale(lock, installed) {
  if (!installed?.packages) return 'nothing is installed yet';
  for (const [path, wanted] of Object.entries(lock.packages ?? {})) {
    if (path === '') continue;
    const got = installed.packages[path];
    if (!got) {
      // Optional ones are mostly binaries for other systems.
      if (wanted.optional || wanted.devOptional) continue;
      return `${path} is missing`;
    }
    if (got.version !== wanted.version) return `${path} is ${got.version}, wanted ${wanted.version}`;
    if (got.integrity && wanted.integrity && got.integrity !== wanted.integrity) return `${path} differs`;
  }
  return undefined;
}

/**
 * Runs `npm ci` where what is installed is missing or stale.
 *
 * @throws {SetupError} With what npm said and the likely cure.
 */
export async function ensureInstalled() {
  const lock = readJson(join(root, 'package-lock.json'));
  if (!lock)
    throw new SetupError('set-up: package-lock.json is missing or damaged. Restore it: git checkout package-lock.json');
  const reason = whyStale(lock, readJson(join(root, 'node_modules', '.package-lock.json')));
  if (!reason) return;
  const result = await step(`Installing the packages Pleinair is built from (npm ci: ${reason})`, () =>
    runNpm(
      // NODE_ENV=production would leave out the build tools.
      ['ci', '--include=dev', '--include=optional', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'],
      { env: { ...process.env, ...cacheIfHomeless() } },
    ),
  );
  if (result.code !== 0) throw new SetupError(...explainNpmFailure(result.output));
}

/**
 * @param {string} output - What npm printed.
 * @returns {string[]}
 */
export function explainNpmFailure(output) {
  // After some errors npm goes on with a page of its own usage.
  const said = output.split(/^npm (?:error|ERR!) (?:Clean install a project|Usage:)/m)[0] ?? output;
  const lines = ['set-up: `npm ci` failed:', tail(said, 25)];
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT|ENOTCACHED/.test(output)) {
    lines.push(
      'npm could not reach its registry. Connect to the network and run the same command again;',
      'behind a proxy, first: npm config set proxy http://HOST:PORT',
    );
  } else if (/SELF_SIGNED_CERT|UNABLE_TO_(GET|VERIFY)|CERT_/.test(output)) {
    lines.push(
      'A proxy here signs TLS with its own certificate: set NODE_EXTRA_CA_CERTS to its .pem file and run again.',
    );
  } else if (/ENOSPC/.test(output)) {
    lines.push('The disk is full: about 600 MB are needed.');
  } else if (/EACCES|EPERM|EROFS/.test(output)) {
    lines.push(`npm may not write here: check who owns ${root} and npm's cache (npm config get cache).`);
  } else if (/can only install packages when your package\.json and package-lock\.json/.test(output)) {
    lines.push('package-lock.json does not fit the package.json files. After changing dependencies: npm install');
  }
  return lines;
}

/** npm keeps its cache in the home folder; service users often have none that can be written. */
function cacheIfHomeless() {
  if (process.env.npm_config_cache) return {};
  try {
    accessSync(homedir(), constants.W_OK);
    return {};
  } catch {
    return { npm_config_cache: join(root, '.cache', 'npm') };
  }
}

/**
 * @param {string} text
 * @param {number} count
 */
function tail(text, count) {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}

/**
 * @param {string} file
 * @returns {Lock | undefined}
 */
function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
