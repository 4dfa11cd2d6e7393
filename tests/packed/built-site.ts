import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../../scripts/setup/run-command.mjs';
import { root } from '../../scripts/setup/workspace.mjs';

/** A site that `npm run build` makes. */
export interface Site {
  /** From the root of the repository. */
  readonly folder: string;
  /** The file of the build that is written last, from `folder`. */
  readonly last: string;
  /** Files and folders it is made of, from the root of the repository. */
  readonly sources: readonly string[];
  /** What a build writes in `folder` beside `dist`. */
  readonly written?: readonly string[];
  /** How Node builds it, in `folder`. */
  readonly commands: readonly (readonly string[])[];
}

/**
 * Builds a site, unless that was done since its sources changed last: `npm test` runs `npm run build` before the tests.
 *
 * @throws With all that the build said, where it fails.
 */
export async function ensureSite(site: Site): Promise<void> {
  const folder = join(root, site.folder);
  const builtAt = statSync(join(folder, site.last), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const written = new Set(site.written?.map((path) => join(folder, path)));
  if (Math.max(...site.sources.map((source) => changedAt(join(root, source), written))) < builtAt) return;
  // What vitest sets for its workers would make a development build.
  const env = { ...process.env, NODE_ENV: 'production' };
  for (const args of site.commands) {
    const { code, output } = await runCommand(process.execPath, args, { cwd: folder, env });
    if (code !== 0) throw new Error(`${site.folder} could not be built:\n${output}`);
  }
}

/** When a file, or something in a folder, was changed last. */
function changedAt(path: string, written: ReadonlySet<string>): number {
  const stat = statSync(path);
  if (stat.isFile()) return stat.mtimeMs;
  const names = readdirSync(path).filter(
    (name) => !/^(dist|node_modules|test|\.turbo)$/.test(name) && !written.has(join(path, name)),
  );
  return Math.max(0, ...names.map((name) => changedAt(join(path, name), written)));
}
