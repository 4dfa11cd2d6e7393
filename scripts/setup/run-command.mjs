import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from './workspace.mjs';

/**
 * @typedef {object} CommandResult
 * @property {number} code - Exit code; 128 + n style codes are not made up, a signal gives 1.
 * @property {NodeJS.Signals | null} signal
 * @property {string} output - stdout and stderr together, empty when shown.
 * @property {string} stdout
 */

/**
 * Runs a command to its end.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, show?: boolean, shell?: boolean, timeoutMs?: number,
 *   hush?: RegExp }} [options] - `show` lets the command write to our stderr as it goes, instead of collecting what it
 *   says; of its own stderr, lines that match `hush` are then left out.
 * @returns {Promise<CommandResult>} Also when the command fails; a command that cannot be started gives code 127.
 */
export function runCommand(command, args, options = {}) {
  const { cwd = root, env = process.env, show = false, shell = false, timeoutMs, hush } = options;
  return new Promise((resolve) => {
    const child = spawn(command, [...args], {
      cwd,
      env,
      shell,
      windowsHide: true,
      stdio: show ? ['ignore', process.stderr, hush ? 'pipe' : process.stderr] : ['ignore', 'pipe', 'pipe'],
      ...(timeoutMs ? { timeout: timeoutMs, killSignal: 'SIGKILL' } : {}),
    });
    let stdout = '';
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      stdout += text;
      output += text;
    });
    if (show && hush && child.stderr) {
      createInterface({ input: child.stderr }).on('line', (line) => {
        if (!hush.test(line)) process.stderr.write(`${line}\n`);
      });
    } else {
      child.stderr?.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
        output += text;
      });
    }
    child.on('error', (error) => resolve({ code: 127, signal: null, output: output + error.message, stdout }));
    child.on('close', (code, signal) => resolve({ code: code ?? 1, signal, output, stdout }));
  });
}

/**
 * Runs npm: the very npm that started us where there is one, else the one on the path.
 *
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, show?: boolean }} [options]
 * @returns {Promise<CommandResult>}
 */
export function runNpm(args, options = {}) {
  const self = process.env.npm_execpath;
  // Under yarn or pnpm the variable names theirs; only npm reads this repository's lock file.
  if (self && /^npm-cli\.c?js$/.test(basename(self))) return runCommand(process.execPath, [self, ...args], options);
  // Node refuses to start .cmd files without a shell (CVE-2024-27980); a shell needs arguments with spaces quoted.
  if (process.platform === 'win32') {
    const quoted = args.map((arg) => (/[\s"]/.test(arg) ? `"${arg.replaceAll('"', '\\"')}"` : arg));
    return runCommand('npm.cmd', quoted, { ...options, shell: true });
  }
  return runCommand('npm', args, options);
}

/**
 * The JavaScript file behind a package's command, to be run with this very Node: no shell, no `.cmd`, on any system.
 *
 * @param {string} packageName
 * @param {string} [command] - Needed where the package has several.
 * @returns {string}
 */
export function binFile(packageName, command = packageName) {
  const folder = join(root, 'node_modules', ...packageName.split('/'));
  /** @type {{ bin?: string | Record<string, string> }} */
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = typeof bin === 'string' ? bin : bin?.[command];
  if (!file) throw new Error(`binFile: expected ${packageName} to have the command ${command}, got none.`);
  return join(folder, file);
}
