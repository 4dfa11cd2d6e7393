import { join } from 'node:path';
import ts from 'typescript';
import { root, type Sample } from './samples.js';

/**
 * Compiles samples as modules of the repository, each a file beside its document that exists in memory only. JavaScript is
 * checked as well, without its users having said that what is read from a list may be undefined.
 *
 * @returns What the compiler says, by document and line.
 */
export function complaints(samples: readonly Sample[]): string[] {
  const config = ts.readConfigFile(join(root, 'tsconfig.base.json'), (file) => ts.sys.readFile(file));
  const { options } = ts.parseJsonConfigFileContent({ ...config.config, include: [] }, ts.sys, root);
  const of = (language: string): Sample[] => samples.filter((sample) => sample.language === language);
  const parsed = new Map<string, ts.SourceFile | undefined>();
  return [
    ...compile(of('ts'), options, parsed),
    ...compile(of('js'), { ...options, allowJs: true, checkJs: true, noUncheckedIndexedAccess: false }, parsed),
  ];
}

function compile(
  samples: readonly Sample[],
  options: ts.CompilerOptions,
  parsed: Map<string, ts.SourceFile | undefined>,
): string[] {
  const files = new Map<string, Sample>();
  for (const sample of samples) {
    files.set(join(root, sample.document.replace(/\.md$/, `.${sample.line}.${sample.language}`)), sample);
  }
  const inner = ts.createCompilerHost(options);
  // One line, so that lines of messages are those of the document.
  const textOf = (file: string): string | undefined => {
    const sample = files.get(file);
    return sample && `${sample.given.replaceAll('\n', ' ')} export {};\n${sample.code}\n${sample.after}`;
  };
  const host: ts.CompilerHost = {
    ...inner,
    fileExists: (file) => files.has(file) || inner.fileExists(file),
    readFile: (file) => textOf(file) ?? inner.readFile(file),
    getSourceFile: (file, version, ...rest) => {
      const text = textOf(file);
      if (text !== undefined) return ts.createSourceFile(file, text, version);
      // Most of the time goes into files that all programs share.
      if (!parsed.has(file)) parsed.set(file, inner.getSourceFile(file, version, ...rest));
      return parsed.get(file);
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
