import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readmeExample } from '../../scripts/checks/readme-example.mjs';
import { root } from '../scripts/documents.mjs';

export { documents, root } from '../scripts/documents.mjs';

/** A block of code in a document. */
export interface Sample {
  /** From the repository's root. */
  readonly document: string;
  /** Of its first line, from 1. */
  readonly line: number;
  /** What the fence begins with: `ts`, `js`, `sh`, `json`, `python`; nothing where it says nothing. */
  readonly language: string;
  /** What the fence says after the language, such as `run`. */
  readonly flags: readonly string[];
  readonly code: string;
  /** What stands before the code unseen (`<!-- sample-given: … -->`): what a reader has from elsewhere. */
  readonly given: string;
  /** What comes after it unseen (`<!-- sample-then: … -->`): what a reader does with it, and whether it did what it should. */
  readonly after: string;
  /** Why it is not run, where it says so (`<!-- sample-not-run: … -->`). */
  readonly notRun?: string;
}

/**
 * How a sample of JavaScript or TypeScript is run: in Node (`run`), in a page (`in-browser`), as a file that another sample
 * starts (`[painter-worker.ts]`), in an empty project with the packed package (the first of a package's README), or not, for a
 * reason.
 */
export type Way = 'run' | 'in-browser' | 'file' | 'packed' | 'not-run';

/**
 * The blocks of code of a document, in order.
 *
 * @throws Where a comment about a sample stands beside none, and where a block begins in mid-line, as in a list: it would not be seen.
 */
export function samplesOf(document: string, text = readFileSync(join(root, document), 'utf8')): Sample[] {
  const found: Sample[] = [];
  const indented = /^[ >]+```/m.exec(text);
  if (indented) throw new Error(`${document}: expected blocks of code to begin their line, got ${indented[0]}.`);
  const token = /^<!-- sample-(?<kind>[\w-]+)(?<comment>[^]*?)-->|^```(?<info>[^\n]*)\n(?<code>[^]*?)^```$/gm;
  let comments: Record<string, string> = {};
  let end = 0;
  let last: 'comment' | 'sample' | undefined;
  for (const match of text.matchAll(token)) {
    const { kind, info = '', code = '' } = match.groups ?? {};
    const comment = match.groups?.['comment']?.replace(/^:/, '').trim() ?? '';
    const adjacent = text.slice(end, match.index).trim() === '';
    end = match.index + match[0].length;
    if (last === 'comment' && !adjacent) throw strayComment(document);
    if (kind && !['given', 'then', 'not-run'].includes(kind)) {
      throw new Error(`${document}: expected sample-given, sample-then or sample-not-run, got sample-${kind}.`);
    }
    if (kind === 'then') {
      const sample = found.pop();
      if (!sample || last !== 'sample' || !adjacent) throw strayComment(document);
      found.push({ ...sample, after: comment });
      last = undefined;
    } else if (kind) {
      comments[kind] = comment;
      last = 'comment';
    } else {
      const [language = '', ...flags] = info.trim().split(/\s+/);
      const line = text.slice(0, match.index).split('\n').length + 1;
      const { given = '', 'not-run': notRun } = comments;
      found.push({ document, line, language, flags, code, given, after: '', ...(notRun && { notRun }) });
      comments = {};
      last = 'sample';
    }
  }
  if (last === 'comment') throw strayComment(document);
  return found;
}

function strayComment(document: string): Error {
  return new Error(
    `${document}: expected comments about samples beside the sample they are about, got one that is not.`,
  );
}

/** Whether it is JavaScript or TypeScript. */
export function isModule({ language }: Sample): boolean {
  return language === 'ts' || language === 'js';
}

/**
 * @throws Where the sample says nothing of how it is run, or too much.
 */
export function wayOf(sample: Sample): Way {
  const { document, line, flags, notRun } = sample;
  const ways = [
    ...flags.map((flag): Way | undefined =>
      flag === 'run' || flag === 'in-browser' ? flag : fileOf(flag) === undefined ? undefined : 'file',
    ),
    ...(notRun === undefined ? [] : (['not-run'] as const)),
    ...(isPacked(sample) ? (['packed'] as const) : []),
  ];
  const [way] = ways;
  if (ways.length === 1 && way) return way;
  throw new Error(
    `${document}:${line}: expected one way to run this sample, got ${ways.length === 0 ? 'none' : ways.map((one) => one ?? 'an unknown word').join(', ')}. ` +
      'Write `run` or `in-browser` behind its language, or <!-- sample-not-run: REASON --> before it.',
  );
}

/** The name of the file that a sample is, where it is one: VitePress' own notation, `[painter-worker.ts]`. */
export function fileOf(flag: string): string | undefined {
  return /^\[([\w.-]+)\]$/.exec(flag)?.[1];
}

/** Whether packages are checked by it: see scripts/checks/packages.mjs. */
function isPacked({ document, code }: Sample): boolean {
  if (!/^packages\/[\w-]+\/README\.md$/.test(document)) return false;
  const manifest = JSON.parse(readFileSync(join(root, dirname(document), 'package.json'), 'utf8')) as Manifest;
  if (manifest.private) return false;
  const example = readmeExample(readFileSync(join(root, document), 'utf8'), Object.keys(manifest.bin ?? {}));
  return example?.kind === 'module' && example.code === code;
}

interface Manifest {
  readonly private?: boolean;
  readonly bin?: Readonly<Record<string, string>>;
}
