import { describe, expect, it } from 'vitest';
import { complaints } from './compile-samples.js';
import { documents, fileOf, isModule, samplesOf, wayOf, type Sample } from './samples.js';

const samples = documents().flatMap((document) => samplesOf(document));
const modules = samples.filter(isModule);
const sample = (text: string): Sample => samplesOf('docs/wrong.md', text)[0]!;

describe('samples of the documents', () => {
  it('all compile, and wrong ones would not', { timeout: 300_000 }, () => {
    expect(modules.length).toBeGreaterThan(50);
    const wrong = [
      "\n\n```ts run\nimport { lode } from 'pleinair';\n```",
      "```js run\nimport { load } from 'pleinair';\nawait load('a').paint();\n```",
      '<!-- sample-given: const a = 1; -->\n\n```ts run\na.b;\n```',
      '```ts run\nconst a = 1;\n```\n\n<!-- sample-then: a.b; -->',
    ].flatMap((text, i) => samplesOf(`docs/wrong${i}.md`, text));
    expect(complaints([...modules, ...wrong])).toEqual([
      expect.stringContaining('docs/wrong0.md:4: '),
      expect.stringContaining('docs/wrong2.md:4: '),
      expect.stringContaining('docs/wrong3.md:4: '),
      expect.stringContaining('docs/wrong1.md:3: '),
    ]);
  });

  it('all say how they are run, or why not', () => {
    for (const one of modules) expect(() => wayOf(one)).not.toThrow();
    expect(() => wayOf(sample('```ts\nlet a;\n```'))).toThrow(
      'docs/wrong.md:2: expected one way to run this sample, got none',
    );
    expect(() => wayOf(sample('```js ran\nlet a;\n```'))).toThrow('got an unknown word');
    expect(() => wayOf(sample('<!-- sample-not-run: no -->\n\n```js run\nlet a;\n```'))).toThrow('got run, not-run');
    expect(wayOf(sample('```ts [worker.ts]\nlet a;\n```'))).toBe('file');
  });

  it('that are not run are few, and each reason is known here', () => {
    const reasons = samples.flatMap(({ notRun }) => notRun ?? []);
    expect([...new Set(reasons)].sort()).toEqual([
      'Python, which tests do without',
      'tests/packed/strangers.e2e.test.ts builds its page with it',
    ]);
    const python = samples.filter(({ language }) => language === 'python');
    expect(python.filter(({ notRun }) => notRun === undefined)).toEqual([]);
  });

  it('that are files are started by another sample of their document', () => {
    for (const { document, flags } of modules) {
      for (const file of flags.flatMap((flag) => fileOf(flag) ?? [])) {
        const starts = ({ code, ...other }: Sample) => other.document === document && code.includes(`'./${file}'`);
        expect(modules.filter(starts).map(wayOf), `${document}: ${file}`).toEqual(['in-browser']);
      }
    }
  });

  it('are in languages that are checked, one way or another', () => {
    const unknown = samples.filter(({ language }) => !['ts', 'js', 'sh', 'json', 'python', 'text'].includes(language));
    expect(unknown.map(({ document, line, language }) => `${document}:${line}: ${language}`)).toEqual([]);
  });

  it('are well-formed where they are JSON', () => {
    for (const { code } of samples.filter(({ language }) => language === 'json')) {
      expect(() => JSON.parse(code) as unknown).not.toThrow();
    }
  });

  it('have their comments beside them', () => {
    const stray = 'expected comments about samples beside the sample';
    expect(() => sample('<!-- sample-given: let a; -->\n\nwords\n\n```ts\n```')).toThrow(stray);
    expect(() => sample('```ts\n```\n\nwords\n\n<!-- sample-then: let a; -->')).toThrow(stray);
    expect(() => sample('<!-- sample-not-run: no -->')).toThrow(stray);
    expect(() => sample('<!-- sample-ran: no -->')).toThrow('got sample-ran');
    expect(sample('```ts run\n```\n\n<!-- sample-then:\nlet a;\n-->').after).toBe('let a;');
    expect(() => sample('- in a list\n\n  ```ts\n  ```')).toThrow('expected blocks of code to begin their line');
  });
});
