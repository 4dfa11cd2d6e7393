import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { binFile, runCommand } from '../setup/run-command.mjs';

/** What Dawn says of lavapipe's limits, twice for every device: nothing is wrong with them. */
const DAWN_CHATTER = /^Warning: maxDynamic\w+ artificially reduced from /;

const REPORTER = fileURLToPath(new URL('vitest-report.mjs', import.meta.url));

/** Projects whose tests run kernels in Node. */
export const GPU_PROJECTS = Object.freeze(['lavapipe', 'swiftshader', 'gpu']);

/**
 * Runs vitest over the projects that `env` makes available, its output shown as it comes.
 *
 * Two runs side by side where both software adapters are tested: most of their time one thread translates shaders. Vitest
 * itself cannot give two projects of one group a worker each.
 *
 * @param {{ env: NodeJS.ProcessEnv, filters: readonly string[] }} options - `filters` narrow the files, and may hold
 *   vitest's own flags (`-t NAME`).
 * @returns {Promise<import('./vitest-report.mjs').ReportedTest[]>}
 */
export async function runVitest({ env, filters }) {
  const split =
    availableParallelism() > 1 &&
    Boolean(env['PLEINAIR_SWIFTSHADER_ICD'] && env['PLEINAIR_LAVAPIPE_ICD']) &&
    !filters.some((filter) => filter.startsWith('--project'));
  // An adapter each, in shares of about one length; those that are not there are passed over.
  const halves = [
    ['lavapipe', 'gpu', 'slow'],
    ['node', 'swiftshader', 'browser', 'e2e'],
  ];
  const shares = split ? halves.map((names) => names.map((name) => `--project=${name}`)) : [[]];
  const tests = await Promise.all(shares.map((share) => runShare({ env, filters: [...share, ...filters] })));
  return tests.flat();
}

/**
 * @param {{ env: NodeJS.ProcessEnv, filters: readonly string[] }} options
 * @returns {Promise<import('./vitest-report.mjs').ReportedTest[]>}
 */
async function runShare({ env, filters }) {
  const folder = mkdtempSync(join(tmpdir(), 'pleinair-test-'));
  const report = join(folder, 'report.json');
  try {
    const run = await runCommand(
      process.execPath,
      [binFile('vitest'), 'run', '--passWithNoTests', '--reporter=default', `--reporter=${REPORTER}`, ...filters],
      {
        env: { ...env, PLEINAIR_REPORT: report, ...(process.stderr.isTTY ? {} : { NO_COLOR: '1' }) },
        show: true,
        hush: DAWN_CHATTER,
      },
    );
    const tests = readReport(report);
    const complaint = run.signal ? `it was ended by ${run.signal}` : `it ended with exit code ${run.code}`;
    if (!tests) return [{ project: 'run', name: 'vitest', state: 'failed', reason: `no results: ${complaint}` }];
    // Whatever vitest calls a failure is one here too, even if no test shows it.
    if (run.code !== 0 && !tests.some(({ state }) => state === 'failed')) {
      tests.push({ project: 'run', name: 'vitest', state: 'failed', reason: complaint });
    }
    return tests;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * What a run's tests add to the tally. A skip without a reason is a failure: nobody could tell it from forgetting.
 *
 * @param {readonly import('./vitest-report.mjs').ReportedTest[]} tests
 * @param {{ narrowed: boolean }} options - Narrowed by hand (`-t NAME`), vitest skips the rest without a word.
 * @returns {import('./tally.mjs').CheckResult[]}
 */
export function judge(tests, { narrowed }) {
  /** @type {import('./tally.mjs').CheckResult[]} */
  const results = tests.map(({ project, name, state, reason }) => {
    const title = `[${project}] ${name}`;
    if (state !== 'skipped') return { name: title, state, reason };
    // `it.skipIf` and `describe.skipIf` take no note; a test or its suite can end its name with the reason in parentheses.
    const why = reason ?? /\(([^()]+)\)(?= > |$)/.exec(name)?.[1];
    if (why || narrowed) return { name: title, state, reason: why };
    return { name: title, state: 'failed', reason: 'skipped without a reason: call ctx.skip("why") in the test' };
  });
  const onGpu = tests.filter(({ project }) => GPU_PROJECTS.includes(project));
  if (!narrowed && !onGpu.some(({ state }) => state !== 'skipped')) {
    results.push({ name: 'GPU tests', state: 'failed', reason: 'not one ran: see the reasons for the skips' });
  }
  return results;
}

/**
 * @param {string} file
 * @returns {import('./vitest-report.mjs').ReportedTest[] | undefined}
 */
function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
