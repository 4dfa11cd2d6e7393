import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';

/** What a built page says of links. */
interface BuiltPage {
  readonly path: string;
  readonly ids: ReadonlySet<string>;
  readonly hrefs: readonly string[];
}

/** Links of a built site. */
export interface SiteLinks {
  /** Links within the site that lead to no file, or to no place on a page. */
  readonly dead: readonly string[];
  /** Those that lead out of it, each once. */
  readonly external: readonly string[];
  /** How many links within the site name a place on a page. */
  readonly anchored: number;
}

/**
 * Follows every link of a built site.
 *
 * @param folder - What was built.
 * @param base - The path it is served under, `/` or `/docs/`.
 */
export function followLinks(folder: string, base: string): SiteLinks {
  const pages = new Map(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.html'))
      .map((file) => {
        const path = file.replaceAll('\\', '/');
        return [path, readPage(join(folder, file), `${base}${path}`)] as const;
      }),
  );
  const dead: string[] = [];
  const external = new Set<string>();
  let anchored = 0;
  for (const { path, hrefs } of pages.values()) {
    for (const href of hrefs) {
      if (/^[a-z][a-z+.-]*:|^\/\//i.test(href)) {
        external.add(href);
        continue;
      }
      const { pathname, hash } = new URL(href, `http://site${path}`);
      const file = pathname.startsWith(base) ? fileOf(folder, decodeURI(pathname.slice(base.length))) : undefined;
      const id = decodeURIComponent(hash.slice(1));
      if (id) anchored++;
      const there = file !== undefined && (id === '' || pages.get(file)?.ids.has(id));
      if (!there) dead.push(`${path}: ${href}`);
    }
  }
  return { dead: [...new Set(dead)], external: [...external], anchored };
}

function readPage(file: string, path: string): BuiltPage {
  const html = readFileSync(file, 'utf8');
  const values = (name: string): string[] =>
    Array.from(html.matchAll(new RegExp(`<[a-z][^<>]*?\\s${name}="([^"]*)"`, 'g')), ([, value = '']) =>
      unescaped(value),
    );
  return { path, ids: new Set(values('id')), hrefs: values('href') };
}

function unescaped(text: string): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

/** As static hosts find files: a folder's index, and pages without their ending. */
function fileOf(folder: string, path: string): string | undefined {
  const forms = path === '' || path.endsWith('/') ? [`${path}index.html`] : [path, `${path}.html`];
  return forms
    .map((one) => posix.normalize(one))
    .find((one) => statSync(join(folder, one), { throwIfNoEntry: false })?.isFile());
}
