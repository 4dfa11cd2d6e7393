import { join } from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { documents, root, samplesOf, type Sample } from './samples.js';

/** Compiles samples as modules of the repository, each a file beside its document that exists in memory only. */
function complaints(samples: readonly Sample[]): string[] {
  const files = new Map<string, Sample>();
  for (const sample of samples) files.set(join(root, sample.document.replace(/\.md$/, `.${sample.line}.ts`)), sample);
  const config = ts.readConfigFile(join(root, 'tsconfig.base.json'), (file) => ts.sys.readFile(file));
  const { options } = ts.parseJsonConfigFileContent({ ...config.config, include: [] }, ts.sys, root);
  const inner = ts.createCompilerHost(options);
  // One line, so that lines of messages are those of the document.
  const textOf = (file: string): string | undefined => {
    const sample = files.get(file);
    return sample && `${sample.given.replaceAll('\n', ' ')} export {};\n${sample.code}`;
  };
  const host: ts.CompilerHost = {
    ...inner,
    fileExists: (file) => files.has(file) || inner.fileExists(file),
    readFile: (file) => textOf(file) ?? inner.readFile(file),
    getSourceFile: (file, version, ...rest) => {
      const text = textOf(file);
      return text === undefined
        ? inner.getSourceFile(file, version, ...rest)
        : ts.createSourceFile(file, text, version);
    },
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return [...files].flatMap(([file, sample]) => {
    const source = program.getSourceFile(file);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map((diagnostic) => {
      const line = source?.getLineAndCharacterOfPosition(diagnostic.start ?? 0).line ?? 0;
      return `${sample.document}:${sample.line + line - 1}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ')}`;
    });
  });
}

it('every sample compiles, and a wrong one would not', { timeout: 300_000 }, () => {
  const samples = documents().flatMap(samplesOf);
  expect(samples.length).toBeGreaterThan(20);
  const wrong = {
    document: 'docs/wrong.md',
    line: 7,
    flags: [],
    given: '',
    code: "import { lode } from 'pleinair';\n",
  };
  expect(complaints([...samples, wrong])).toEqual([expect.stringContaining('docs/wrong.md:7:')]);
});
