import { findAdapter } from './adapter.mjs';
import { ensureBuilt } from './build.mjs';
import { ensureInstalled } from './install.mjs';
import { installMesa } from './mesa.mjs';
import { requireNode } from './node-version.mjs';
import { say } from './say.mjs';
import { shaderCacheVariables } from './shader-cache.mjs';

/**
 * All that has to be there before a command of this repository can run: packages, builds, an adapter. What is there
 * already costs a look; silent then.
 *
 * @param {{ adapter?: boolean, build?: boolean }} [wanted] - `adapter: false` leaves the adapter alone, `build: false` the
 *   packages' builds, for commands that read sources.
 * @returns {Promise<{ adapter: import('./adapter.mjs').Adapter | undefined }>} No adapter is no error here: what could
 *   be done about it has been said, and the command itself knows whether it needs one.
 */
export async function prepare({ adapter: wantAdapter = true, build = true } = {}) {
  requireNode();
  await ensureInstalled();
  if (build) await ensureBuilt();
  Object.assign(process.env, shaderCacheVariables());
  return { adapter: wantAdapter ? await ensureAdapter() : undefined };
}

/** @returns {Promise<import('./adapter.mjs').Adapter | undefined>} */
async function ensureAdapter() {
  const first = await findAdapter();
  if (first.adapter) return first.adapter;
  say('• No WebGPU adapter was found (a GPU with its driver, or a software one).');
  if (first.reason) say(`  Asked for one, WebGPU said: ${first.reason}`);
  if (!(await installMesa())) return undefined;
  const second = await findAdapter();
  if (second.adapter) say(`  WebGPU now runs on: ${second.adapter.name}`);
  else say(`  Still no adapter${second.reason ? `: ${second.reason}` : '.'}`);
  return second.adapter;
}
