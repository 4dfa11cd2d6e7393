import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import ts from 'typescript';

/**
 * @typedef {object} Import
 * @property {string} specifier
 * @property {number} line - From 1.
 *
 * @typedef {object} Source
 * @property {string} file - Path from its package's folder, with slashes.
 * @property {boolean} test - A test, or something only tests use.
 * @property {Import[]} imports
 *
 * @typedef {object} Package
 * @property {string} folder - Its folder's name under `parent`.
 * @property {string} [parent] - `packages`, unless said otherwise.
 * @property {Record<string, any>} manifest - Its package.json.
 * @property {Source[]} sources
 */

/**
 * @param {string} text - A TypeScript module.
 * @returns {Import[]} Everything it imports or re-exports: values, types, and dynamic imports of fixed names.
 */
export function importsOf(text) {
  const { importedFiles } = ts.preProcessFile(text, true, true);
  return importedFiles.map(({ fileName, pos }) => ({
    specifier: fileName,
    line: text.slice(0, pos).split('\n').length,
  }));
}

/**
 * @param {string} parent - The folder that holds the packages.
 * @returns {Package[]}
 */
export function readPackages(parent) {
  return readdirSync(parent)
    .sort()
    .filter((folder) => existsSync(join(parent, folder, 'package.json')))
    .map((folder) => ({
      folder,
      parent: basename(parent),
      manifest: JSON.parse(readFileSync(join(parent, folder, 'package.json'), 'utf8')),
      sources: [
        ...modulesIn(join(parent, folder)),
        ...['src', 'test'].flatMap((part) => sourcesUnder(join(parent, folder), part)),
      ],
    }));
}

/**
 * Programs that lie in a package's own folder, as samples without a build do.
 *
 * @param {string} base
 * @returns {Source[]}
 */
function modulesIn(base) {
  return readdirSync(base)
    .filter((name) => name.endsWith('.mjs'))
    .map((file) => ({ file, test: false, imports: importsOf(readFileSync(join(base, file), 'utf8')) }));
}

/**
 * @param {string} base
 * @param {string} folder - Relative to `base`.
 * @returns {Source[]}
 */
function sourcesUnder(base, folder) {
  if (!existsSync(join(base, folder))) return [];
  return readdirSync(join(base, folder), { withFileTypes: true }).flatMap((entry) => {
    const file = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : sourcesUnder(base, file);
    if (!/\.[cm]?tsx?$/.test(entry.name)) return [];
    const test = folder.split('/')[0] === 'test' || /\.test\.tsx?$/.test(entry.name);
    return [{ file, test, imports: importsOf(readFileSync(join(base, file), 'utf8')) }];
  });
}
