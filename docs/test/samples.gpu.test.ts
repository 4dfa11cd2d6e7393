// Samples marked `run` are run as they stand, but for steps and sizes, on the demo model.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { documents, root, samplesOf } from './samples.js';

const slow = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';
const samples = documents()
  .flatMap(samplesOf)
  .filter(({ flags }) => flags.includes('run'));

/** Three steps of a small picture say as much of a sample as thirty of a large one. */
const small = (code: string): string =>
  code.replace(/\bgenerate\(\{/g, '$& steps: 3,').replace(/\b(1024|768|512)\b/g, '128');

let folder: string;
let before: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pleinair-samples-'));
  before = process.cwd();
  process.chdir(folder);
});
afterEach(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true, force: true });
  for (const name of readdirSync(join(root, 'docs', 'test'))) {
    if (name.startsWith('sample-')) rmSync(join(root, 'docs', 'test', name));
  }
});

describe.skipIf(slow)('samples of the documents (asked of one adapter, not SwiftShader)', () => {
  it.each(samples.map((sample) => [`${sample.document}:${sample.line}`, sample] as const))(
    '%s runs',
    async (_, sample) => {
      const print = vi.spyOn(console, 'log').mockImplementation(() => undefined);
      // Beside the tests, where imports find the packages' sources.
      const file = join(root, 'docs', 'test', `sample-${sample.document.replace(/\W+/g, '-')}-${sample.line}.mjs`);
      const { outputText } = ts.transpileModule(`${sample.given}\n${small(sample.code)}`, {
        compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
      });
      writeFileSync(file, outputText);
      try {
        await import(/* @vite-ignore */ file);
        const wrote = readdirSync(folder).filter((name) => name.endsWith('.png'));
        // A sample that neither prints nor writes shows its reader nothing; the front page's ends with bytes in a variable.
        if (sample.document !== 'docs/index.md') expect(print.mock.calls.length + wrote.length).toBeGreaterThan(0);
      } finally {
        print.mockRestore();
      }
    },
  );
});
