// Says what the built sites weigh, after `npm run build`: Studio by file, the least page, and the documentation as a whole.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { root } from './setup/workspace.mjs';

// Builds narrowed by hand may lack any of them.
if (existsSync(join(root, 'apps', 'studio', 'dist'))) await import('../apps/studio/scripts/check-size.mjs');

/**
 * @param {string} folder
 * @returns {{ name: string, bytes: number, sent: number }[]} Each file, and what of it servers send.
 */
function weigh(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => {
      const bytes = readFileSync(join(parentPath, name));
      const isText = /^\.(html|js|css|json|svg)$/.test(extname(name));
      return { name, bytes: bytes.length, sent: isText ? gzipSync(bytes).length : bytes.length };
    });
}

/**
 * @param {readonly { bytes: number, sent: number }[]} files
 * @param {'bytes' | 'sent'} key
 */
const sum = (files, key) => files.reduce((all, each) => all + each[key], 0);
const megabytes = (/** @type {number} */ bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

const least = weigh(join(root, 'apps', 'minimal', 'dist'));
if (least.length > 0) {
  const code = least.filter(({ name }) => /\.(html|js|css)$/.test(name));
  const model = least.filter((file) => !code.includes(file));
  console.log(
    `The least page: ${(sum(code, 'sent') / 1000).toFixed(1)} kB gzipped, and ${megabytes(sum(model, 'bytes'))} of the demo model.`,
  );
}

const docs = weigh(join(root, 'docs', '.vitepress', 'dist'));
if (docs.length > 0) {
  const pages = docs.filter(({ name }) => extname(name) === '.html').length;
  console.log(
    `The documentation: ${pages} pages, ${megabytes(sum(docs, 'bytes'))} with the demo model, ${megabytes(sum(docs, 'sent'))} as it is sent.`,
  );
}
