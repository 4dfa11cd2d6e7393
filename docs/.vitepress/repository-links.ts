import type { MarkdownRenderer } from 'vitepress';
import { siteLink } from '../scripts/site-links.mjs';

/**
 * Lets pages link to files of the repository, as they are read there: what is a page of the site leads to it, sources and
 * folders become plain text.
 */
export function repositoryLinks(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push('repository-links', ({ tokens, env }) => {
    const from = `docs/${(env as { relativePath?: string }).relativePath ?? ''}`;
    if (/^docs\/(api|packages|samples|project)\//.test(from)) return;
    for (const token of tokens) {
      const open: boolean[] = [];
      for (const child of token.children ?? []) {
        if (child.type === 'link_open') {
          const link = siteLink(from, child.attrGet('href') ?? '');
          if (link.kind === 'page') child.attrSet('href', link.href);
          open.push(link.kind === 'none');
          if (link.kind === 'none') [child.type, child.tag, child.attrs] = ['em_open', 'span', null];
        } else if (child.type === 'link_close' && open.pop()) [child.type, child.tag] = ['em_close', 'span'];
      }
    }
  });
}
