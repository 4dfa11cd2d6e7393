import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from './run-command.mjs';
import { readNote, root, writeNote } from './workspace.mjs';

const PROBE = fileURLToPath(new URL('adapter-probe.mjs', import.meta.url));
const MARK = 'pleinair-adapter:';
const NOTE = 'adapter';

/** Variables by which a person steers the Vulkan loader. */
const LOADER_VARIABLES = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES', 'VK_ADD_DRIVER_FILES', 'VK_LOADER_DRIVERS_SELECT'];

/** Where the Vulkan loader looks for drivers on Linux (Vulkan-Loader, docs/LoaderDriverInterface.md). */
const DRIVER_FOLDERS = ['/etc/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/usr/share/vulkan/icd.d'];

/**
 * @typedef {object} Adapter
 * @property {string} name
 * @property {boolean} software - Runs on the CPU.
 */

/**
 * @typedef {object} ProbeResult
 * @property {Adapter | undefined} adapter
 * @property {string} reason - Why there is none, in the words of Dawn or of the system; may be empty.
 */

/**
 * The adapter WebGPU gives programs here. An earlier find is believed while the drivers installed are the same.
 *
 * @returns {Promise<ProbeResult>}
 */
export async function findAdapter() {
  const key = surroundings();
  const note = readNote(NOTE);
  if (note?.key === key && note.adapter) return { adapter: note.adapter, reason: '' };
  const result = await probeAdapter();
  writeNote(NOTE, result.adapter && { key, adapter: result.adapter });
  return result;
}

/** Makes the next run ask again; for when a program that used the adapter failed. */
export function forgetAdapter() {
  writeNote(NOTE, undefined);
}

/**
 * Asks Dawn in a process of its own.
 *
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<ProbeResult>}
 */
export async function probeAdapter(env = process.env) {
  const run = await runCommand(process.execPath, [PROBE], { env, timeoutMs: 120_000 });
  return readProbe(run);
}

/**
 * @param {{ code: number, signal: NodeJS.Signals | null, stdout: string, output: string }} run - What the probe did.
 * @returns {ProbeResult}
 */
export function readProbe(run) {
  const line = run.stdout.split('\n').find((text) => text.startsWith(MARK));
  if (!line) return { adapter: undefined, reason: `the question crashed (${run.signal ?? `exit code ${run.code}`})` };
  const answer = JSON.parse(line.slice(MARK.length));
  if (answer.found) {
    const name = answer.description || [answer.vendor, answer.architecture, answer.model].filter(Boolean).join(' ');
    return { adapter: { name: name || 'unnamed adapter', software: answer.software }, reason: '' };
  }
  const warnings = run.output
    .split('\n')
    .filter((text) => /^(Warning|Error): /.test(text) && !/artificially/.test(text));
  return { adapter: undefined, reason: answer.error ?? [...new Set(warnings)].join('; ') };
}

/** A digest of all that decides which adapter is found: Dawn's version, the loader's variables, the drivers. */
function surroundings() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch} `);
  try {
    hash.update(JSON.parse(readFileSync(join(root, 'node_modules', 'webgpu', 'package.json'), 'utf8')).version);
  } catch {
    // Not installed: the probe will say so.
  }
  for (const name of LOADER_VARIABLES) hash.update(`\0${name}=${process.env[name] ?? ''}`);
  for (const folder of DRIVER_FOLDERS) {
    try {
      for (const file of readdirSync(folder).sort()) hash.update(`\0${file} ${statSync(join(folder, file)).mtimeMs}`);
    } catch {
      hash.update('\0none');
    }
  }
  return hash.digest('hex');
}
