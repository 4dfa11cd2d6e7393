import { posix } from 'node:path';

/**
 * The rank of each package. An import may only go to a lower one, never to the same.
 *
 * @type {Readonly<Record<string, number>>}
 */
export const RANKS = Object.freeze({
  '@pleinair/tensor': 0,
  '@pleinair/schedulers': 0,
  '@pleinair/kernels': 1,
  '@pleinair/weights': 1,
  '@pleinair/palettize': 2,
  '@pleinair/text': 2,
  '@pleinair/diffusion': 3,
  '@pleinair/sdxl': 4,
  '@pleinair/sd': 4,
  pleinair: 5,
  '@pleinair/bench': 5,
  '@pleinair/cli': 6,
  'pleinair-minimal': 7,
  'pleinair-contact-sheet': 7,
  'pleinair-openai-server': 7,
  'pleinair-studio': 7,
});

/** Beside the ranks: tests and commands use them, libraries never. */
export const BESIDE = Object.freeze(['@pleinair/demo-model', '@pleinair/testing']);

/** Packages that may use what stands beside: neither a command nor an application is a library. */
const MAY_USE_DEMO_MODEL = Object.freeze([
  '@pleinair/cli',
  'pleinair-minimal',
  'pleinair-contact-sheet',
  'pleinair-openai-server',
  'pleinair-studio',
]);

/**
 * The three rules of importing: downwards only; declared in one's own package.json; through the front door.
 *
 * @param {readonly import('./imports.mjs').Package[]} packages
 * @returns {string[]} One line a breach, "file:line: what. What to do."
 */
export function checkRanks(packages) {
  const byName = new Map(packages.map((one) => [one.manifest.name, one]));
  return packages.flatMap((from) => {
    const self = from.manifest.name;
    const known = self in RANKS || BESIDE.includes(self);
    return [
      ...(known
        ? []
        : [`${placeOf(from)}/package.json: ${self} has no rank. Give it one in scripts/checks/ranks.mjs.`]),
      ...from.sources.flatMap((source) =>
        source.imports.flatMap(({ specifier, line }) => {
          const complaint = complain(from, source, specifier, byName);
          return complaint ? [`${placeOf(from)}/${source.file}:${line}: ${complaint}`] : [];
        }),
      ),
    ];
  });
}

/**
 * @param {import('./imports.mjs').Package} from
 * @param {import('./imports.mjs').Source} source
 * @param {string} specifier
 * @param {ReadonlyMap<string, import('./imports.mjs').Package>} byName
 * @returns {string | undefined}
 */
function complain(from, source, specifier, byName) {
  const self = from.manifest.name;
  if (specifier.startsWith('.')) {
    // Tests may look at files beside the packages; what is published may not reach out of its folder.
    const target = posix.join(posix.dirname(source.file), specifier);
    if (!target.startsWith('..') || (source.test && !/^\.\.\/[^./]+\/(src|dist)\//.test(target))) return undefined;
    return `"${specifier}" leaves the package. Import the other package by its name.`;
  }
  if (specifier.startsWith('node:')) return undefined;
  const name = packageName(specifier);
  if (name === self) return undefined;
  const sibling = byName.has(name) || name in RANKS || BESIDE.includes(name);
  if (sibling) return complainAboutSibling(from, source, specifier, name, byName.get(name));
  // Tests run only here, where the workspace's own packages are installed.
  if (source.test || BESIDE.includes(self) || declares(from.manifest, name)) return undefined;
  return `imports ${name}, which package.json does not declare. Add it to dependencies, at the version in the lock file.`;
}

/**
 * @param {import('./imports.mjs').Package} from
 * @param {import('./imports.mjs').Source} source
 * @param {string} specifier
 * @param {string} name
 * @param {import('./imports.mjs').Package | undefined} target
 * @returns {string | undefined}
 */
function complainAboutSibling(from, source, specifier, name, target) {
  const self = from.manifest.name;
  if (BESIDE.includes(name)) {
    if (source.test || BESIDE.includes(self)) return undefined;
    if (name === '@pleinair/testing')
      return `${name} is for tests only. Move what is needed into a package with a rank.`;
    if (!MAY_USE_DEMO_MODEL.includes(self))
      return `${self} may not depend on ${name}: only the command and applications carry a model.`;
  } else if (self in RANKS) {
    const [own, other] = [RANKS[self] ?? 0, RANKS[name]];
    if (other === undefined) return `${name} has no rank. Give it one in scripts/checks/ranks.mjs.`;
    if (other >= own) {
      const relation = other === own ? 'the same rank' : 'a higher rank';
      return `${self} (rank ${own}) imports ${name} (rank ${other}): ${relation}. Import only from lower ranks.`;
    }
  }
  if (!target) return `${name} is no package of this repository.`;
  const subpath = `.${specifier.slice(name.length)}`;
  if (!hasExport(target.manifest.exports, subpath)) {
    return `${name} does not export "${subpath}". Import what its package.json exports.`;
  }
  if (source.test || self === '@pleinair/testing' || declares(from.manifest, name)) return undefined;
  return `imports ${name}, which package.json does not declare. Add "${name}": "${target.manifest.version}" to dependencies.`;
}

/** @param {import('./imports.mjs').Package} from */
function placeOf({ parent = 'packages', folder }) {
  return `${parent}/${folder}`;
}

/** @param {string} specifier */
function packageName(specifier) {
  const parts = specifier.split('/');
  return parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
}

/**
 * @param {Record<string, any>} manifest
 * @param {string} name
 */
function declares(manifest, name) {
  return ['dependencies', 'peerDependencies', 'optionalDependencies'].some((field) => manifest[field]?.[name]);
}

/**
 * @param {unknown} exports
 * @param {string} subpath - Such as "." or "./tokenizer".
 */
function hasExport(exports, subpath) {
  if (!exports || typeof exports !== 'object') return subpath === '.';
  return Object.keys(exports).some((key) => {
    const [before = '', after] = key.split('*', 2);
    return after === undefined ? key === subpath : subpath.startsWith(before) && subpath.endsWith(after);
  });
}
