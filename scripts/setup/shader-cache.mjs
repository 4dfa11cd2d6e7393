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
  const usual = env.XDG_CACHE_HOME || join(home, '.cache');
  try {
    mkdirSync(usual, { recursive: true });
    accessSync(usual, constants.W_OK);
    return {};
  } catch {
    const own = join(root, '.cache', 'mesa');
    mkdirSync(own, { recursive: true });
    return { MESA_SHADER_CACHE_DIR: own };
  }
}
