import { describe, expect, it } from 'vitest';
import { importsOf, type Package } from './imports.mjs';
import { checkRanks } from './ranks.mjs';

interface Given {
  name?: string;
  dependencies?: Record<string, string>;
  exports?: Record<string, unknown>;
  files?: Record<string, string>;
}

/** A package as it would be read from its folder. */
function make({ name = '@pleinair/kernels', dependencies = {}, exports = { '.': {} }, files = {} }: Given): Package {
  return {
    folder: name.replace('@pleinair/', ''),
    manifest: { name, version: '0.1.0', dependencies, exports },
    sources: Object.entries(files).map(([file, text]) => ({
      file,
      test: file.startsWith('test/') || file.includes('.test.'),
      imports: importsOf(text),
    })),
  };
}

const others = [
  make({ name: '@pleinair/tensor' }),
  make({ name: '@pleinair/weights' }),
  make({ name: '@pleinair/text', exports: { '.': {}, './tokenizer': {} } }),
  make({ name: '@pleinair/testing' }),
  make({ name: '@pleinair/demo-model' }),
];
const check = (given: Given) => checkRanks([make(given), ...others]);
const source = (text: string, file = 'src/index.ts') => ({ files: { [file]: text } });
const tensor = { '@pleinair/tensor': '0.1.0' };

describe('imports are found', () => {
  it('in every form, with their lines', () => {
    const text = [
      "import { a } from 'a';",
      "import type { B } from 'b';",
      "export { c } from 'c';",
      "const d = await import('d');",
      "// import 'e';",
      'const text = "import \'f\'";',
      "import 'g';",
    ].join('\n');
    expect(importsOf(text)).toEqual([
      { specifier: 'a', line: 1 },
      { specifier: 'b', line: 2 },
      { specifier: 'c', line: 3 },
      { specifier: 'd', line: 4 },
      { specifier: 'g', line: 7 },
    ]);
  });
});

describe('downwards only', () => {
  it('lets a package import from a lower rank', () => {
    expect(check({ dependencies: tensor, ...source("import { x } from '@pleinair/tensor';") })).toEqual([]);
  });
  it('names file, line and ranks of an import from the same rank', () => {
    const given = {
      dependencies: { '@pleinair/weights': '0.1.0' },
      ...source("\nimport { x } from '@pleinair/weights';"),
    };
    expect(check(given)).toEqual([
      'packages/kernels/src/index.ts:2: @pleinair/kernels (rank 1) imports @pleinair/weights (rank 1): the same rank. ' +
        'Import only from lower ranks.',
    ]);
  });
  it('refuses a higher rank, even for types and in tests', () => {
    expect(check(source("import type { X } from '@pleinair/text';"))[0]).toContain('a higher rank');
    expect(check(source("import '@pleinair/text';", 'src/x.test.ts'))[0]).toContain('a higher rank');
  });
  it('keeps what stands beside to tests and commands', () => {
    expect(check(source("import '@pleinair/testing';", 'src/x.gpu.test.ts'))).toEqual([]);
    expect(check(source("import '@pleinair/testing';"))[0]).toContain('for tests only');
    expect(check(source("import '@pleinair/demo-model';"))[0]).toContain(
      'only the command and applications carry a model',
    );
    const cli = { name: '@pleinair/cli', ...source("import '@pleinair/demo-model';") };
    expect(check({ ...cli, dependencies: { '@pleinair/demo-model': '0.1.0' } })).toEqual([]);
    expect(check(cli)[0]).toContain('does not declare');
  });
  it('asks for a rank for every package', () => {
    expect(check({ name: '@pleinair/new' })).toEqual([
      'packages/new/package.json: @pleinair/new has no rank. Give it one in scripts/checks/ranks.mjs.',
    ]);
  });
});

describe('declared in package.json', () => {
  it('refuses what is not, of this repository or from outside', () => {
    expect(check(source("import '@pleinair/tensor';"))[0]).toContain('Add "@pleinair/tensor": "0.1.0"');
    expect(check(source("await import('commander/extra');"))[0]).toContain('imports commander, which package.json');
  });
  it('lets Node, the package itself and what tests need go undeclared', () => {
    expect(check(source("import 'node:fs'; import '@pleinair/kernels';"))).toEqual([]);
    expect(check(source("import 'vitest'; import '@pleinair/tensor';", 'src/x.test.ts'))).toEqual([]);
  });
});

describe('through the front door', () => {
  it('refuses paths out of the package and into another', () => {
    expect(check(source("import '../../tensor/src/index.js';", 'src/a.ts'))[0]).toContain('leaves the package');
    expect(check(source("import '../../../tensor/src/index.js';", 'src/b/a.test.ts'))[0]).toContain(
      'leaves the package',
    );
    expect(check(source("import '../test/help.js';", 'src/a.ts'))).toEqual([]);
  });
  it('refuses what the other package does not export', () => {
    expect(check({ dependencies: tensor, ...source("import '@pleinair/tensor/src/x.js';") })[0]).toContain(
      '@pleinair/tensor does not export "./src/x.js"',
    );
    const diffusion = { name: '@pleinair/sdxl', dependencies: { '@pleinair/text': '0.1.0' } };
    expect(check({ ...diffusion, ...source("import '@pleinair/text/tokenizer';") })).toEqual([]);
  });
});
