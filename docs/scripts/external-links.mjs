import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { documents, root } from './documents.mjs';

/**
 * @typedef {object} ExternalLink
 * @property {string} href - As it is written.
 * @property {string} document - From the repository's root.
 * @property {number} line - From 1.
 */

/**
 * Links that lead out of the repository, in the order of documents. What stands in code is no link.
 *
 * @returns {ExternalLink[]}
 */
export function externalLinks() {
  return documents().flatMap((document) => linksOf(document, readFileSync(join(root, document), 'utf8')));
}

/**
 * @param {string} document
 * @param {string} text - Its Markdown.
 * @returns {ExternalLink[]}
 */
export function linksOf(document, text) {
  const blank = /** @param {string} code */ (code) => code.replace(/[^\n]/g, ' ');
  const prose = text.replace(/^```[^]*?^```$/gm, blank).replace(/`[^`\n]*`/g, blank);
  const link =
    /\]\(\s*([a-z][a-z+.-]*:[^)\s]*(?:\([^)\s]*\)[^)\s]*)*)|<([a-z]+:\/\/[^>]*)>|href="([a-z]+:[^"]*)"|(?<![("<])\b(https?:\/\/[^\s)>\]"]+)/gi;
  return [...prose.matchAll(link)].map((match) => ({
    href: match.slice(1).find((one) => one !== undefined) ?? '',
    document,
    line: prose.slice(0, match.index).split('\n').length,
  }));
}

/**
 * What is wrong with links, as far as it can be told without a network: no address, not by https, without an end of their
 * own, or one address spelled in several ways.
 *
 * @param {readonly ExternalLink[]} links
 * @returns {string[]} In words, by document and line.
 */
export function linkFaults(links) {
  /** @type {Map<string, ExternalLink>} */
  const first = new Map();
  return links.flatMap((link) => {
    const { href, document, line } = link;
    const at = `${document}:${line}: ${href}`;
    if (!URL.canParse(href)) return [`${at}: expected an address`];
    const { protocol, hostname, pathname, search, hash } = new URL(href);
    if (protocol !== 'https:') return [`${at}: expected https`];
    if (!/^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(hostname)) return [`${at}: expected a host of the internet`];
    if (/[.,;:!?]$/.test(href)) return [`${at}: expected an address without the sentence's end`];
    const place = `${hostname.replace(/^www\./, '')}${pathname.replace(/(\/|\/index\.html|\.git)$/, '')}${search}`;
    const plain = `${place.toLowerCase()}${hash}`;
    const known = first.get(plain) ?? link;
    first.set(plain, known);
    return known.href === href ? [] : [`${at}: expected ${known.href}, as in ${known.document}:${known.line}`];
  });
}
