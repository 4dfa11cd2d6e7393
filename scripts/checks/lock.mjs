/**
 * Binaries for other systems that the lock file lacks. npm writes such a file without a word where its registry does
 * not have them all, or from a `node_modules` folder that only holds this system's (npm issue 4828); on other systems,
 * or with a newer npm, `npm ci` then fails or leaves tools without their program.
 *
 * @param {{ packages?: Record<string, { version?: string, optionalDependencies?: Record<string, string> }> }} lock
 * @returns {string[]} One line a gap.
 */
export function lockGaps({ packages = {} }) {
  return Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => !resolves(packages, path, name))
      .map(([name, range]) => `${path || 'package.json'} wants ${name}@${range}, which the lock file lacks`),
  );
}

/**
 * Node's way of finding a package: in the folder itself, then in each folder above.
 *
 * @param {Record<string, unknown>} packages
 * @param {string} path
 * @param {string} name
 * @returns {boolean}
 */
function resolves(packages, path, name) {
  for (let folder = path; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) {
    if (`${folder === '' ? '' : `${folder}/`}node_modules/${name}` in packages) return true;
    if (folder === '') return false;
  }
}
