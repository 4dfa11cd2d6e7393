import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Documents that lie outside of docs/ and are pages of the site all the same: READMEs stay beside what they tell about.
 *
 * @type {ReadonlyArray<readonly [pattern: RegExp, page: string]>}
 */
const copied = [
  [/^packages\/([\w-]+)\/README\.md$/, 'packages/$1.md'],
  [/^apps\/([\w-]+)\/README\.md$/, 'samples/$1.md'],
  [/^bench\/README\.md$/, 'project/measuring.md'],
  [/^ARCHITECTURE\.md$/, 'project/architecture.md'],
  [/^CONTRIBUTING\.md$/, 'project/contributing.md'],
];

/**
 * @param {string} file - Path from the repository's root.
 * @returns {string | undefined} The page that stands for it on the site, as a path from docs/.
 */
export function pageOf(file) {
  for (const [pattern, page] of copied) if (pattern.test(file)) return file.replace(pattern, page);
  return file.startsWith('docs/') && file.endsWith('.md') ? file.slice('docs/'.length) : undefined;
}

/**
 * Where a link of a document leads on the site.
 *
 * @param {string} from - The document, from the repository's root.
 * @param {string} href
 * @returns {{ kind: 'as-is' } | { kind: 'page', href: string } | { kind: 'none' } | { kind: 'dead', target: string }} `none`
 *   for sources and folders, which are no part of the site.
 */
export function siteLink(from, href) {
  if (/^([a-z][a-z+.-]*:|#|\/)/i.test(href)) return { kind: 'as-is' };
  const [path = '', hash] = href.split('#', 2);
  const target = posix.join(posix.dirname(from), decodeURI(path));
  // Pages that are generated from sources lie in no document's folder.
  if (/^docs\/(api|packages|samples|project|results)(\/|$)/.test(target)) return { kind: 'as-is' };
  if (!existsSync(join(root, target))) return { kind: 'dead', target };
  const result = /^bench\/results\/([\w.-]+\.json)$/.exec(target);
  if (result) return { kind: 'page', href: `/results/${result[1]}` };
  const page = pageOf(target) ?? pageOf(posix.join(target, 'README.md'));
  if (page !== undefined) return { kind: 'page', href: `/${page}${hash === undefined ? '' : `#${hash}`}` };
  return /\.(png|jpe?g|svg|webp)$/.test(target) && target.startsWith('docs/') ? { kind: 'as-is' } : { kind: 'none' };
}

/**
 * Writes a document's links anew for where its copy lies.
 *
 * @param {string} markdown
 * @param {string} from - From the repository's root.
 * @returns {string}
 */
export function withSiteLinks(markdown, from) {
  return outsideCode(markdown, (text) =>
    text.replace(/(!?)\[([^\]]*)\]\(([^)\s]+)\)/g, (whole, image, label, href) => {
      const link = siteLink(from, href);
      if (link.kind === 'dead') throw new Error(`${from}: expected ${href} to be there, got nothing. Mend the link.`);
      if (link.kind === 'page') return `${image}[${label}](${link.href})`;
      if (link.kind === 'none') return label;
      return whole;
    }),
  );
}

/**
 * @param {string} markdown
 * @param {(text: string) => string} change
 */
function outsideCode(markdown, change) {
  return markdown
    .split(/^(```[^]*?^```)/m)
    .map((part) => (part.startsWith('```') ? part : change(part)))
    .join('');
}
