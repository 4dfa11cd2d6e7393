import { accessSync, constants, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { root } from './workspace.mjs';

/**
 * Variables that keep Mesa's compiled shaders between processes. Compiling is the dearest part of a first run on a
 * software adapter; Mesa keeps the results under the user's cache folder (docs.mesa3d.org/envvars.html), where other
 * checkouts profit too, but silently keeps nothing where that folder cannot be written.
 *
 * @param {NodeJS.ProcessEnv} [env]
 * @param {string} [home]
 * @returns {Record<string, string>} To be added to the environment.
 */
export function shaderCacheVariables(env = process.env, home = homedir()) {
  if (env.MESA_SHADER_CACHE_DIR || env.MESA_SHADER_CACHE_DISABLE) return {};
  if (makeWritable(env.XDG_CACHE_HOME || join(home, '.cache'))) return {};
  const own = join(root, '.cache', 'mesa');
  // A checkout that cannot be written either only means compiling again each time.
  return makeWritable(own) ? { MESA_SHADER_CACHE_DIR: own } : {};
}

/**
 * @param {string} folder - Made if it is missing.
 * @returns {boolean}
 */
function makeWritable(folder) {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
