import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { binFile, runCommand } from '../../../scripts/setup/run-command.mjs';
import { serveFolder } from '../../../tests/packed/browser.js';
import { headersOf } from './headers-file.js';

const app = fileURLToPath(new URL('..', import.meta.url));
const packages = fileURLToPath(new URL('../../../packages', import.meta.url));

/** Where builds go. */
export const dist = join(app, 'dist');

/** Builds Studio, unless that was done since its sources changed last, and serves it. */
export async function serveStudio(): Promise<Awaited<ReturnType<typeof serveFolder>>> {
  if (newest([app, packages]) >= builtAt()) {
    const env = { ...process.env, NODE_ENV: 'production' };
    const { code, output } = await runCommand(process.execPath, [binFile('vite'), 'build'], { cwd: app, env });
    if (code !== 0) throw new Error(`Studio could not be built:\n${output}`);
  }
  return serveFolder(dist, headersOf(readFileSync(join(dist, '_headers'), 'utf8')));
}

function builtAt(): number {
  // Written last.
  return statSync(join(dist, 'service-worker.js'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** When something in folders was changed last, builds and installed packages left out. */
function newest(folders: readonly string[]): number {
  const times = folders.flatMap((folder) =>
    readdirSync(folder, { withFileTypes: true }).map((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return /^(dist|node_modules|test)$/.test(entry.name) ? 0 : newest([path]);
      return entry.isFile() ? statSync(path).mtimeMs : 0;
    }),
  );
  return Math.max(0, ...times);
}
