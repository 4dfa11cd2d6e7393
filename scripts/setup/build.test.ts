import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { missingOutputs, sourcesHash } from './build.mjs';

const output = (name: string) => join('packages', 'a', 'dist', name);

let folder: string;
const write = (path: string, text: string) => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pleinair-build-'));
  const exports = { '.': { types: './dist/index.d.ts', default: './dist/index.js' }, './data/*': './dist/data/*' };
  write('packages/a/package.json', JSON.stringify({ exports, bin: { a: './dist/bin.js' }, scripts: { build: 'x' } }));
  write('packages/a/src/index.ts', 'export const one = 1;');
  write('packages/data/package.json', JSON.stringify({ exports: { '.': './dist/absent.js' } }));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it.each([
  ['packages/a/src/index.ts', 'export const one = 2;'],
  ['packages/a/src/more.ts', ''],
  ['packages/a/package.json', '{}'],
  ['packages/a/tsup.config.ts', 'x'],
  ['tsup.shared.ts', 'x'],
  ['package-lock.json', '{}'],
])('asks for a build when %s changes', (path, text) => {
  const before = sourcesHash(folder);
  write(path, text);
  expect(sourcesHash(folder)).not.toBe(before);
});

it.each([
  'packages/a/src/index.test.ts',
  'packages/a/test/helper.ts',
  'packages/a/dist/index.js',
  'packages/a/README.md',
  'packages/a/node_modules/x/index.js',
])('asks for none when %s appears', (path) => {
  const before = sourcesHash(folder);
  write(path, 'anything');
  expect(sourcesHash(folder)).toBe(before);
});

it('tells apart contents that only moved across a file boundary', () => {
  write('packages/a/src/x.ts', 'ab');
  write('packages/a/src/y.ts', 'c');
  const before = sourcesHash(folder);
  write('packages/a/src/x.ts', 'a');
  write('packages/a/src/y.ts', 'bc');
  expect(sourcesHash(folder)).not.toBe(before);
});

it('names promised outputs that are not there, of packages that are built', () => {
  expect(missingOutputs(folder)).toEqual(['index.d.ts', 'index.js', 'bin.js'].map((name) => output(name)));
  for (const name of ['index.d.ts', 'index.js', 'bin.js']) write(output(name), '');
  expect(missingOutputs(folder)).toEqual([]);
});
