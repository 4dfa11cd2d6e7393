import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Mesa's software driver, as its Vulkan driver manifest. Some systems write the architecture into the name.
 *
 * @param {string} [prefix] - Put before absolute paths, for tests.
 * @returns {string | undefined}
 */
export function findLavapipe(prefix = '') {
  if (process.platform !== 'linux') return undefined;
  for (const folder of ['/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/etc/vulkan/icd.d']) {
    const name = namesIn(prefix + folder).find((file) => /^lvp_icd(\.[\w-]+)?\.json$/.test(file) && fitsArch(file));
    if (name) return join(prefix + folder, name);
  }
  return undefined;
}

/**
 * SwiftShader, the software driver that Chromium carries beside its program, as its Vulkan driver manifest.
 *
 * @param {string} [prefix]
 * @param {string} [home]
 * @returns {string | undefined}
 */
export function findSwiftshader(prefix = '', home = homedir()) {
  if (process.platform !== 'linux') return undefined;
  // What Playwright downloaded comes last: it may be of any age.
  const downloads = join(home, '.cache', 'ms-playwright');
  const folders = [
    ...['/usr/lib/chromium', '/usr/lib64/chromium-browser', '/usr/lib/chromium-browser', '/opt/google/chrome'].map(
      (folder) => prefix + folder,
    ),
    ...namesIn(downloads)
      .filter((name) => name.startsWith('chromium'))
      .sort()
      .reverse()
      .flatMap((name) => namesIn(join(downloads, name)).map((inner) => join(downloads, name, inner))),
  ];
  return folders.map((folder) => join(folder, 'vk_swiftshader_icd.json')).find((file) => existsSync(file));
}

/** @param {string} file */
function fitsArch(file) {
  const arch = /^lvp_icd\.([\w-]+)\.json$/.exec(file)?.[1];
  if (!arch) return true;
  return arch === (process.arch === 'arm64' ? 'aarch64' : 'x86_64');
}

/** @param {string} folder */
function namesIn(folder) {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
