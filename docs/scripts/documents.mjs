import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The documents that people write: all of the site's, READMEs, and those for contributors.
 *
 * @returns {string[]} From the repository's root.
 */
export function documents() {
  const made = /^docs\/(api|packages|samples|project|\.vitepress|node_modules)\//;
  const folders = ['apps', 'packages', 'tools'].flatMap((parent) =>
    readdirSync(join(root, parent), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => `${parent}/${name}`),
  );
  return [
    ...markdownIn('docs', true).filter((file) => !made.test(file)),
    ...[...folders, 'bench', '.'].flatMap((folder) => markdownIn(folder, false)),
  ];
}

/**
 * @param {string} folder - From the repository's root.
 * @param {boolean} recursive
 */
function markdownIn(folder, recursive) {
  return readdirSync(join(root, folder), { recursive, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(root.length)
        .replace(/^[/\\]/, '')
        .replaceAll('\\', '/'),
    );
}
