import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { binFile } from '../../../scripts/setup/run-command.mjs';
import { serveFolder } from '../../../tests/packed/browser.js';
import { ensureSite } from '../../../tests/packed/built-site.js';
import { headersOf } from './headers-file.js';

/** Where builds go. */
export const dist = fileURLToPath(new URL('../dist', import.meta.url));

/** Builds Studio, unless that was done since its sources changed last, and serves it. */
export async function serveStudio(): Promise<Awaited<ReturnType<typeof serveFolder>>> {
  await ensureSite({
    folder: 'apps/studio',
    last: 'dist/service-worker.js',
    sources: ['apps/studio', 'packages'],
    commands: [[binFile('vite'), 'build']],
  });
  return serveFolder(dist, headersOf(readFileSync(join(dist, '_headers'), 'utf8')));
}
