import { stripVTControlCharacters } from 'node:util';
import { binFile, runCommand } from '../setup/run-command.mjs';
import { root } from '../setup/workspace.mjs';
import { join } from 'node:path';

/**
 * The checks that read sources without running them.
 *
 * @returns {{ name: string, args: string[] }[]} Each a command line for Node.
 */
export function staticChecks() {
  return [
    { name: 'types (tsc)', args: [binFile('typescript', 'tsc'), '-p', 'tsconfig.json', '--pretty', 'false'] },
    { name: 'lint (oxlint)', args: [binFile('oxlint'), '--type-aware'] },
    { name: 'lock file', args: [join(root, 'scripts', 'check-lock.mjs')] },
    { name: 'ranks', args: [join(root, 'scripts', 'check-ranks.mjs')] },
    { name: 'formatting (prettier)', args: [binFile('prettier'), '--check', '--log-level', 'warn', '.'] },
  ];
}

/**
 * @param {{ name: string, args: readonly string[] }} check
 * @returns {Promise<import('./tally.mjs').CheckResult>}
 */
export async function runStaticCheck({ name, args }) {
  const { code, output } = await runCommand(process.execPath, args);
  // oxlint colours its messages under CI, whatever NO_COLOR says.
  return code === 0
    ? { name, state: 'passed' }
    : { name, state: 'failed', reason: stripVTControlCharacters(output).trimEnd() };
}
