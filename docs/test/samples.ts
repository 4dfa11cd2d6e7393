import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A block of code in a document. */
export interface Sample {
  /** From the repository's root. */
  readonly document: string;
  /** Of its first line, from 1. */
  readonly line: number;
  /** What the fence says after the language, such as `run`. */
  readonly flags: readonly string[];
  readonly code: string;
  /** What stands before the code unseen: what a reader has from the sample before. */
  readonly given: string;
}

/** Documents whose samples are held: all of the site's, and the READMEs. Those of packages run when they are packed. */
export function documents(): string[] {
  const under = (folder: string, deep: boolean): string[] =>
    readdirSync(join(root, folder), { recursive: deep, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
      .map((entry) =>
        join(entry.parentPath, entry.name)
          .slice(root.length)
          .replace(/^[/\\]/, '')
          .replaceAll('\\', '/'),
      );
  const made = /^docs\/(api|packages|samples|project|\.vitepress|node_modules)\//;
  const apps = readdirSync(join(root, 'apps')).flatMap((app) => under(`apps/${app}`, false));
  return [...under('docs', true).filter((file) => !made.test(file)), ...apps, 'README.md'];
}

/** The TypeScript of a document, block by block. */
export function samplesOf(document: string): Sample[] {
  const text = readFileSync(join(root, document), 'utf8');
  const block = /(?:<!-- sample-given: (?<given>[^]*?) -->\s*)?^```ts(?<flags>[^\n]*)\n(?<code>[^]*?)^```/gm;
  return [...text.matchAll(block)].map((match) => {
    const { given = '', flags = '', code = '' } = match.groups ?? {};
    const before = text.slice(0, match.index + match[0].indexOf('```ts'));
    return {
      document,
      line: before.split('\n').length + 1,
      flags: flags.trim().split(/\s+/).filter(Boolean),
      code,
      given,
    };
  });
}
