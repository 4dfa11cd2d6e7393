// Links within the repository and the site are held by the site's build and site.e2e.test.ts; those that lead out of it as
// far as can be told without a network: `node docs/scripts/check-links.mjs` asks them.
import { expect, it } from 'vitest';
import { externalLinks, linkFaults, linksOf } from '../scripts/external-links.mjs';

it('external links are well-formed, by https, and each address is spelled in one way', () => {
  const links = externalLinks();
  expect(links.length).toBeGreaterThan(20);
  expect(linkFaults(links)).toEqual([]);
});

it('wrong ones would be told', () => {
  const text = `See [a](https://example.org/a), <https://Example.org/b>, [c](http://example.org/c) and \`http://in.code\`.

\`\`\`sh
curl http://in.code
\`\`\`

Again [a](https://www.example.org/a/), [a](https://example.org/a#part), https://example.org/d. [e](https://local/e) [f](https:///)
`;
  expect(linksOf('docs/x.md', text)).toHaveLength(8);
  expect(linkFaults(linksOf('docs/x.md', text))).toEqual([
    'docs/x.md:1: http://example.org/c: expected https',
    'docs/x.md:7: https://www.example.org/a/: expected https://example.org/a, as in docs/x.md:1',
    "docs/x.md:7: https://example.org/d.: expected an address without the sentence's end",
    'docs/x.md:7: https://local/e: expected a host of the internet',
    'docs/x.md:7: https:///: expected an address',
  ]);
});
