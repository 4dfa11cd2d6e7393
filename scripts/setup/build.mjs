import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative, sep } from 'node:path';
import { binFile, runCommand } from './run-command.mjs';
import { SetupError, step } from './say.mjs';
import { readNote, root, writeNote } from './workspace.mjs';

/** Files at the root that every package's build reads. */
const SHARED = ['package-lock.json', 'tsup.shared.ts', 'tsconfig.base.json', 'turbo.json'];

/** Neither goes into a build: outputs, and what is only read by tests or people. */
const NOT_BUILT = /(^|\/)(dist|node_modules|\.turbo|coverage|test|goldens)(\/|$)|\.test\.ts$|\.md$|\.tsbuildinfo$/;

/**
 * Builds every package whose sources changed since the last build (turbo skips the rest), and nothing when none has.
 *
 * @throws {SetupError} With the compiler's messages.
 */
export async function ensureBuilt() {
  const hash = sourcesHash(root);
  if (readNote('build') === hash && missingOutputs(root).length === 0) return;
  // turbo would run ten at once; each holds a TypeScript compiler of some 300 MB.
  const args = [
    'run',
    'build',
    '--filter=./packages/*',
    '--output-logs=errors-only',
    `--concurrency=${Math.min(4, availableParallelism())}`,
  ];
  const result = await step('Building the packages', () =>
    runCommand(process.execPath, [binFile('turbo'), ...args], {
      env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', TURBO_NO_UPDATE_NOTIFIER: '1', DO_NOT_TRACK: '1' },
    }),
  );
  if (result.code !== 0) throw new SetupError('set-up: the build failed:', result.output.trimEnd());
  const missing = missingOutputs(root);
  if (missing.length > 0) {
    // The build's cache says "done" but the files went: an outside hand in dist/.
    throw new SetupError(
      `set-up: expected the build to write ${missing.join(', ')}, got nothing there.`,
      'Clear its cache and run again: npx turbo run build --force',
    );
  }
  writeNote('build', hash);
}

/**
 * @param {string} folder - The repository.
 * @returns {string} A digest of all files that builds read.
 */
export function sourcesHash(folder) {
  const hash = createHash('sha256');
  for (const file of SHARED) addFile(hash, folder, join(folder, file));
  for (const packageFolder of packageFolders(folder)) {
    for (const file of filesUnder(packageFolder, packageFolder)) addFile(hash, folder, file);
  }
  return hash.digest('hex');
}

/**
 * @param {string} folder - The repository.
 * @returns {string[]} Files that package.json files promise (exports and commands) and that are not there.
 */
export function missingOutputs(folder) {
  const missing = [];
  for (const packageFolder of packageFolders(folder)) {
    const manifest = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));
    if (!manifest.scripts?.build) continue;
    for (const target of new Set(targets([manifest.exports, manifest.bin]))) {
      const file = join(packageFolder, target);
      if (target.includes('dist/') && !target.includes('*') && !existsSync(file)) missing.push(relative(folder, file));
    }
  }
  return missing;
}

/**
 * @param {string} folder
 * @returns {string[]} Folders of the packages, sorted.
 */
export function packageFolders(folder) {
  const parent = join(folder, 'packages');
  if (!existsSync(parent)) return [];
  return readdirSync(parent)
    .sort()
    .map((name) => join(parent, name))
    .filter((path) => existsSync(join(path, 'package.json')));
}

/**
 * @param {unknown} value - An `exports` or `bin` field, or part of one.
 * @returns {string[]} Every path in it.
 */
function targets(value) {
  if (typeof value === 'string') return [value];
  if (value && typeof value === 'object') return Object.values(value).flatMap(targets);
  return [];
}

/**
 * @param {string} base
 * @param {string} folder
 * @returns {string[]}
 */
function filesUnder(base, folder) {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (NOT_BUILT.test(relative(base, path).split(sep).join('/'))) return [];
      return entry.isDirectory() ? filesUnder(base, path) : entry.isFile() ? [path] : [];
    });
}

/**
 * @param {import('node:crypto').Hash} hash
 * @param {string} folder
 * @param {string} file
 */
function addFile(hash, folder, file) {
  if (!existsSync(file)) return;
  const content = readFileSync(file);
  // Lengths keep two files' bytes from being read as one's.
  hash.update(`${relative(folder, file).split(sep).join('/')}\0${content.length}\0`).update(content);
}
