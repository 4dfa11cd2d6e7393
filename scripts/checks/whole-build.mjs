import { say } from '../setup/say.mjs';
import { runNpm } from '../setup/run-command.mjs';

/**
 * `npm run build`: the packages, Studio, the samples, the documentation, and what the sites weigh, which is printed. Tests of
 * built sites use what it leaves. It fails where Studio's first load is too much.
 *
 * @returns {Promise<import('./tally.mjs').CheckResult>}
 */
export async function checkWholeBuild() {
  const name = 'the whole build (npm run build)';
  const { code, stdout, output } = await runNpm(['run', '--silent', 'build']);
  if (code !== 0) return { name, state: 'failed', reason: output };
  // What turbo says goes to stderr.
  say(
    ...stdout
      .trimEnd()
      .split('\n')
      .map((line) => `     ${line}`),
  );
  return { name, state: 'passed' };
}
