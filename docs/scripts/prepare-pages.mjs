// Writes the pages that come from elsewhere in the repository: READMEs, the API reference from TSDoc, measured reports.
// None of them is kept in git. The reference is made again only where a source has changed.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codesPage, errorCodes } from './error-codes.mjs';
import { writeReference } from './reference.mjs';
import { pageOf, withSiteLinks } from './site-links.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const docs = join(root, 'docs');

for (const folder of ['packages', 'samples', 'project', 'public/results']) {
  rmSync(join(docs, folder), { recursive: true, force: true });
}

/** @param {string} folder */
const under = (folder) =>
  readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `${folder}/${name}/README.md`);

for (const file of [...under('packages'), ...under('apps'), 'bench/README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md']) {
  const page = pageOf(file);
  /** @type {string} */
  let markdown;
  try {
    markdown = readFileSync(join(root, file), 'utf8');
  } catch {
    continue; // a package without a README; another check asks for one
  }
  if (page === undefined) throw new Error(`${file}: expected a page for it in site-links.mjs, got none.`);
  mkdirSync(dirname(join(docs, page)), { recursive: true });
  writeFileSync(join(docs, page), withSiteLinks(markdown, file));
}

writeFileSync(join(docs, 'project', 'error-codes.md'), codesPage(errorCodes(root)));

const results = join(root, 'bench', 'results');
mkdirSync(join(docs, 'public', 'results'), { recursive: true });
for (const name of readdirSync(results)) {
  if (name.endsWith('.json')) copyFileSync(join(results, name), join(docs, 'public', 'results', name));
}

await writeReference(root, join(docs, 'api'));
