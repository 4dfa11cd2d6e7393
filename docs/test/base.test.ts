// The site may be served under a path of its own (`npm run docs -- build --base /pleinair/`): VitePress sees to links of
// Markdown and to what is imported; what components and HTML in Markdown name themselves must go through `withBase`.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { documents, root } from './samples.js';

/** Addresses from the server's root, in HTML or as texts of a program. */
function fromTheRoot(text: string): string[] {
  return Array.from(
    text.matchAll(/(?:\s(?:href|src)="|(?<!withBase\()['`])(\/[a-z][\w./#-]*)["'`]/g),
    ([, to = '']) => to,
  );
}

it('components and HTML name no address from the root of the server', () => {
  const theme = join(root, 'docs', '.vitepress');
  const files = ['theme', 'live'].flatMap((folder) =>
    readdirSync(join(theme, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(vue|ts|css)$/.test(name))
      .map((name) => join(theme, folder, name)),
  );
  expect(files.length).toBeGreaterThan(5);
  const html = documents().map((document) => {
    const markdown = readFileSync(join(root, document), 'utf8').replace(/^```[^]*?^```$/gm, '');
    return markdown.replace(/`[^`\n]*`/g, '').match(/<[a-z][^>]*>/gi) ?? [];
  });
  expect([...files.map((file) => readFileSync(file, 'utf8')), ...html.flat()].flatMap(fromTheRoot)).toEqual([]);
});

it('one that does would be told', () => {
  expect(fromTheRoot('<a href="/guide/support">')).toEqual(['/guide/support']);
  expect(fromTheRoot("fetch('/results/lavapipe.json')")).toEqual(['/results/lavapipe.json']);
  expect(fromTheRoot('<a :href="withBase(\'/guide/support\')">')).toEqual([]);
});
