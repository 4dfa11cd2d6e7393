// Says what the built sites weigh, after `npm run build`: Studio by file, and the documentation as a whole.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { root } from './setup/workspace.mjs';

await import('../apps/studio/scripts/check-size.mjs');

const site = join(root, 'docs', '.vitepress', 'dist');
if (existsSync(site)) {
  const sizes = readdirSync(site, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => {
      const bytes = readFileSync(join(parentPath, name));
      const isText = /^\.(html|js|css|json|svg)$/.test(extname(name));
      return {
        page: extname(name) === '.html',
        bytes: bytes.length,
        sent: isText ? gzipSync(bytes).length : bytes.length,
      };
    });
  const sum = (/** @type {'bytes' | 'sent'} */ key) => sizes.reduce((all, each) => all + each[key], 0);
  const megabytes = (/** @type {number} */ bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
  const pages = sizes.filter(({ page }) => page).length;
  console.log(
    `The documentation: ${pages} pages, ${megabytes(sum('bytes'))} with the demo model, ${megabytes(sum('sent'))} as it is sent.`,
  );
}
